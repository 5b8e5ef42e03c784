#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// Bytes ↔ replies of the beanstalk protocol (PROTOCOL.md §4). Knows no socket and no queue.
namespace millrace::wire {

enum class beanstalk_word : std::uint8_t {
  // alone on their line
  deleted,
  released,
  buried,
  touched,
  kicked,
  paused,
  not_found,
  not_ignored,
  deadline_soon,
  timed_out,
  draining,
  job_too_big,
  expected_crlf,
  bad_format,
  unknown_command,
  out_of_memory,
  internal_error,
  // with an argument or more
  inserted,      ///< id
  buried_job,    ///< `BURIED <id>`: a put that beanstalkd could only keep buried
  kicked_count,  ///< `KICKED <count>`
  watching,      ///< count
  using_tube,    ///< tube
  // with a chunk
  reserved,  ///< id, body
  found,     ///< id, body
  ok         ///< statistics
};

// --- for servers: all append to `to`, CR LF included ------------------------------------------------------------
/// Requires: a word that stands alone (asserted).
void append(std::string& to, beanstalk_word alone);
/// inserted, buried_job, kicked_count, watching.
void append(std::string& to, beanstalk_word word, std::uint64_t number);
void append_using(std::string& to, std::string_view tube);
/// The line before a body, for reserved and found; the body and its CR LF follow.
void append_head(std::string& to, beanstalk_word word, std::uint64_t job, std::size_t body_bytes);
/// `OK <bytes>`, the chunk, CR LF.
void append_chunk(std::string& to, std::string_view yaml);

/// Builds the YAML of a statistics chunk (PROTOCOL.md §5): `---`, then one line for each entry in the order of the
/// calls.
class beanstalk_yaml {
 public:
  beanstalk_yaml();
  void add(std::string_view key, std::uint64_t value);
  void add_bare(std::string_view key, std::string_view value);  ///< a word or a boolean: state, draining
  /// A string, in quotes where it needs them (yaml_scalar.hpp).
  void add_text(std::string_view key, std::string_view value);
  void add_seconds(std::string_view key, std::uint64_t microseconds);  ///< with six decimals
  void add_item(std::string_view name);                                ///< of a list; quoted as by `add_text`
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  /// Memory of the text, unused capacity included.
  [[nodiscard]] std::size_t held_bytes() const noexcept { return text_.capacity(); }

 private:
  std::string text_;
};

// --- for clients ---------------------------------------------------------------------------------------------------
/// The argument distinguishes `buried` from `buried_job` and `kicked` from `kicked_count`.
struct beanstalk_reply {
  beanstalk_word word{beanstalk_word::internal_error};
  std::uint64_t number{0};  ///< an id or a count
  std::string_view tube;    ///< using_tube; valid until the next call
  std::string_view chunk;   ///< reserved, found, ok; valid until the next call
};

/// The longest line of a reply, CR LF included: `USING` and a tube.
inline constexpr std::size_t reply_line_bytes_max = 208;
/// The longest chunk that a client accepts: the largest job that beanstalkd can be configured for.
inline constexpr std::uint64_t reply_chunk_bytes_max = std::uint64_t{1} << 30;

/// Turns the bytes of one connection into replies, however the bytes are cut. Keeps an unfinished reply; a reply that
/// is complete in `bytes` is not copied. Owned by one connection; one thread.
class beanstalk_reply_reader {
 public:
  enum class found {
    nothing,
    reply,
    nonsense  ///< not this protocol; all that follows is nonsense too
  };

  /// Removes one reply from the front of `bytes`, or all of `bytes` if the reply is not complete.
  found next(std::string_view& bytes, beanstalk_reply& into);

 private:
  found take_kept(std::string_view& bytes, beanstalk_reply& into);
  void keep(std::string_view& bytes, std::size_t count);

  std::string kept_;
  std::size_t missing_{0};  ///< bytes of the kept reply; 0 while its line is not complete
  bool given_{false};       ///< the kept reply was returned and is dropped at the next call
  bool lost_{false};        ///< nonsense was found
};

}  // namespace millrace::wire
