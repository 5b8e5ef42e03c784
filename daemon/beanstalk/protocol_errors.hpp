#pragma once

#include <string_view>
#include <utility>

#include "wire/beanstalk_command.hpp"
#include "wire/beanstalk_reply.hpp"

/// The errors of clients, as they are answered and counted: a closed list.
namespace millrace::beanstalk::protocol_errors {

inline constexpr std::string_view bad_format = "bad_format";
inline constexpr std::string_view unknown_command = "unknown_command";
inline constexpr std::string_view expected_crlf = "expected_crlf";
inline constexpr std::string_view job_too_big = "job_too_big";
inline constexpr std::string_view out_of_memory = "out_of_memory";
inline constexpr std::string_view silent = "silent";  ///< connected and sent no command

inline constexpr std::string_view all[] = {bad_format,  unknown_command, expected_crlf,
                                           job_too_big, out_of_memory,   silent};

[[nodiscard]] constexpr std::pair<wire::beanstalk_word, std::string_view> of(
    wire::beanstalk_command_reader::found reason) noexcept {
  using found = wire::beanstalk_command_reader::found;
  using word = wire::beanstalk_word;
  switch (reason) {
    case found::unknown_command:
      return {word::unknown_command, unknown_command};
    case found::expected_crlf:
      return {word::expected_crlf, expected_crlf};
    case found::job_too_big:
      return {word::job_too_big, job_too_big};
    case found::out_of_memory:
      return {word::out_of_memory, out_of_memory};
    default:
      return {word::bad_format, bad_format};
  }
}

/// Whether the line itself was refused. Then it counts as no command (PROTOCOL.md §5).
[[nodiscard]] constexpr bool is_line_error(wire::beanstalk_command_reader::found reason) noexcept {
  using found = wire::beanstalk_command_reader::found;
  return reason == found::bad_format || reason == found::unknown_command;
}

}  // namespace millrace::beanstalk::protocol_errors
