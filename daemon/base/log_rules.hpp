#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/option.hpp>

#include "base/log.hpp"

namespace millrace::log {

/// `EVENT=LEVEL` as in settings; LEVEL is debug, info, warning, error or off. The error names the nearest event.
[[nodiscard]] result<event_rule> parse_event_rule(std::string_view text);
[[nodiscard]] std::string write_event_rule(event_rule rule);

/// The section `daemon.log` of the settings.
[[nodiscard]] const options_of<rules>& rules_option_table();

}  // namespace millrace::log
