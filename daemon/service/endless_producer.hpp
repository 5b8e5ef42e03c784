#pragma once

#include <string>

#include "settings/settings.hpp"

namespace millrace::service {

/// The name of the first producer without an end. Empty when all of them end.
[[nodiscard]] std::string find_endless_producer(const settings::settings& settings);

}  // namespace millrace::service
