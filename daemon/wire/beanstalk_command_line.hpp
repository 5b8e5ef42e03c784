#pragma once

#include <string_view>

#include "wire/beanstalk_command.hpp"

namespace millrace::wire {

/// Reads a line without its CR LF: command, bad_format or unknown_command. A put still lacks its body. The tube of
/// `into` is a part of `line`. Requires: the CR follows `line` in memory, since it ends the last number.
[[nodiscard]] beanstalk_command_reader::found read_command_line(std::string_view line,
                                                                beanstalk_command& into) noexcept;

}  // namespace millrace::wire
