#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <millrace/base/body.hpp>

#include "wire/beanstalk_command_table.hpp"

/// Bytes ↔ commands of the beanstalk protocol (PROTOCOL.md). Knows no socket and no queue.
namespace millrace::wire {

/// A command line, CR LF included.
inline constexpr std::size_t command_line_bytes_max = 224;
/// Of reserve-with-timeout.
inline constexpr std::uint32_t timeout_seconds_max = 0x7FFF'FFFFu;

/// One command. `visit_arguments` says which members a verb has; the others are zero or empty.
struct beanstalk_command {
  beanstalk_verb verb{beanstalk_verb::quit};
  std::uint64_t job{0};
  std::uint32_t priority{0};
  std::uint32_t delay{0};  ///< seconds
  std::uint32_t ttr{0};    ///< seconds
  std::uint32_t count{0};  ///< put: bytes announced; reserve-with-timeout: seconds; kick: bound
  /// From a reader: valid until its next call, and as long as the bytes that it was given.
  std::string_view tube{};
  body content{};  ///< put
};

/// A budget for the bytes of unfinished bodies, shared by the readers of many connections. Received bytes are taken
/// from it and given back when the body is complete or dropped. Announced bytes cost nothing, because the system
/// provides memory only when it is written: a client that announces much and stalls holds up no other.
struct body_budget {
  std::uint64_t bytes_left{0};
};

/// Turns the bytes of one connection into commands, however the bytes are cut. Allocates nothing but bodies.
///
/// Owned by one connection; one thread. Limits: it keeps at most `command_line_bytes_max` bytes of an unfinished line
/// and the announced bytes of an unfinished body. A body beyond `body_bytes_max` is skipped, not kept.
class beanstalk_command_reader {
 public:
  enum class found {
    nothing,          ///< all bytes were taken; more are needed
    command,          ///< a put has its body
    bad_format,       ///< a line that is refused; it has no effect and swallows no body
    unknown_command,  ///< the same
    expected_crlf,    ///< a put whose body does not end in CR LF; `into` holds its line
    job_too_big,      ///< a put beyond the limit, after the last byte of its body; `into` holds its line
    out_of_memory     ///< a put whose body found no memory or no budget, after its last byte; `into` holds its line
  };

  /// `budget`, if any, outlives the reader.
  explicit beanstalk_command_reader(std::uint32_t body_bytes_max, body_budget* budget = nullptr) noexcept
      : body_bytes_max_{body_bytes_max}, budget_{budget} {}
  ~beanstalk_command_reader() { give_back(); }
  beanstalk_command_reader(const beanstalk_command_reader&) = delete;
  beanstalk_command_reader& operator=(const beanstalk_command_reader&) = delete;

  /// Removes one command from the front of `bytes`, or all of `bytes` if the command is not complete.
  found next(std::string_view& bytes, beanstalk_command& into);

  /// Nothing unfinished is kept.
  [[nodiscard]] bool at_rest() const noexcept;
  /// The line of a put was read, and its body is not complete.
  [[nodiscard]] bool in_body() const noexcept { return state_ == state::content || state_ == state::skipping; }

 private:
  enum class state : std::uint8_t { line, long_line, content, skipping };

  found take_line(std::string_view& bytes, beanstalk_command& into);
  found skip_line(std::string_view& bytes);
  found end_of_line(std::string_view line, std::string_view& bytes, beanstalk_command& into);
  found begin_body(std::string_view& bytes, beanstalk_command& into);
  found take_body(std::string_view& bytes, beanstalk_command& into);
  found begin_skipping(found result, std::string_view& bytes, beanstalk_command& into);
  found skip_body(std::string_view& bytes, beanstalk_command& into);

  [[nodiscard]] bool take_from_budget(std::size_t bytes) noexcept;
  void give_back() noexcept;

  std::uint32_t body_bytes_max_;
  body_budget* budget_;
  std::uint64_t from_budget_{0};
  state state_{state::line};
  bool cr_kept_{false};         ///< long_line: the last discarded byte was a CR
  std::uint8_t line_bytes_{0};  ///< of an unfinished line
  std::uint8_t end_bytes_{0};   ///< content: bytes received of the CR LF behind the body
  bool end_wrong_{false};       ///< content: those bytes differ from CR LF
  found after_skipping_{found::job_too_big};
  std::uint64_t left_{0};  ///< skipping: bytes to come, CR LF included
  beanstalk_command put_;  ///< content, skipping: the command of that body
  body_in_progress content_;
  std::array<char, command_line_bytes_max> line_;
};

// --- for clients ---------------------------------------------------------------------------------------------------
/// Appends the command as it goes over the wire, `content` included. A put announces the size of its content and
/// ignores `count`. Requires: a valid tube name and timeout (asserted).
void append(std::string& to, const beanstalk_command& command);

}  // namespace millrace::wire
