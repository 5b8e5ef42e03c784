#pragma once

#include <string_view>

#include "wire/beanstalk_command.hpp"

namespace millrace::wire {

/// A line, without its CR LF → command, bad_format or unknown_command. The CR must stand behind `line`: it ends the last number.
/// A put still lacks its body. The tube of `into` lies in `line`.
[[nodiscard]] beanstalk_command_reader::found read_command_line(std::string_view line,
                                                                beanstalk_command& into) noexcept;

}  // namespace millrace::wire
