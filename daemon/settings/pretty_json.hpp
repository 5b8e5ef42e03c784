#pragma once

#include <boost/json/value.hpp>
#include <string>

namespace millrace::settings {

/// JSON text for readers: two blanks for each level, and a part that fits stays on one line. Members keep their order.
[[nodiscard]] std::string pretty_json(const boost::json::value& root);

}  // namespace millrace::settings
