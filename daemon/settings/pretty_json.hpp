#pragma once

#include <boost/json/value.hpp>
#include <string>

namespace millrace::settings {

/// Readable JSON text: two spaces for each level, and values that fit on one line. Members keep their order.
[[nodiscard]] std::string pretty_json(const boost::json::value& root);

}  // namespace millrace::settings
