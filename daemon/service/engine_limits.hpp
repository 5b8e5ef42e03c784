#pragma once

#include "engine/options.hpp"
#include "settings/settings.hpp"

namespace millrace::service {

/// The limits of the engine that the settings give.
[[nodiscard]] engine::engine_options engine_limits(const settings::daemon_options& options);

}  // namespace millrace::service
