#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// Bytes ↔ replies of the beanstalk protocol. No socket, no queue.
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
  buried_job,    ///< `BURIED <id>`: a put that could only be kept buried
  kicked_count,  ///< `KICKED <count>`
  watching,      ///< count
  using_tube,    ///< tube
  // with a chunk
  reserved,  ///< id, body
  found,     ///< id, body
  ok         ///< statistics
};

// --- for servers: all append to `to`, CR LF included ---------------------------------------------------------------------------------
/// One that stands alone (asserted).
void append(std::string& to, beanstalk_word alone);
/// inserted, buried_job, kicked_count, watching.
void append(std::string& to, beanstalk_word what, std::uint64_t number);
void append_using(std::string& to, std::string_view tube);
/// The line before a body, for reserved and found; the body and its CR LF follow.
void append_head(std::string& to, beanstalk_word what, std::uint64_t job, std::size_t body_bytes);
/// `OK <bytes>`, the chunk, CR LF.
void append_chunk(std::string& to, std::string_view yaml);

/// The YAML of a statistics chunk, key by key in the order in which they are appended: `---` first, then a line each.
class beanstalk_yaml {
 public:
  beanstalk_yaml();
  void add(std::string_view key, std::uint64_t value);
  void add_bare(std::string_view key, std::string_view value);  ///< a word or a boolean: state, draining
  void add_text(std::string_view key,
                std::string_view value);  ///< a string, in quotes where it needs them (yaml_scalar.hpp)
  void add_seconds(std::string_view key, std::uint64_t microseconds);  ///< with six decimals
  void add_item(std::string_view name);                                ///< of a list, as `add_text`
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  /// Memory that the text takes.
  [[nodiscard]] std::size_t held_bytes() const noexcept { return text_.capacity(); }

 private:
  std::string text_;
};

// --- for clients -------------------------------------------------------------------------------------------------------------------------
/// `buried` and `buried_job`, `kicked` and `kicked_count` are told apart by their argument.
struct beanstalk_reply {
  beanstalk_word word{beanstalk_word::internal_error};
  std::uint64_t number{0};  ///< an id or a count
  std::string_view tube;    ///< using_tube; good until the next call
  std::string_view chunk;   ///< reserved, found, ok; good until the next call
};

/// The longest line of a reply, CR LF included: `USING` and a tube.
inline constexpr std::size_t reply_line_bytes_max = 208;
/// The longest chunk that a client takes: the largest job that beanstalkd can be set to, which no list of tubes comes near.
inline constexpr std::uint64_t reply_chunk_bytes_max = std::uint64_t{1} << 30;

/// Bytes of one connection → replies, however the bytes are cut. Keeps what is unfinished; a reply that lies whole in `bytes` is not copied.
class beanstalk_reply_reader {
 public:
  enum class found {
    nothing,
    reply,
    nonsense
  };  ///< nonsense: this is no server of the protocol; all that follows is nonsense too

  /// Takes one reply off the front of `bytes`, or all of `bytes` if it is not complete.
  found next(std::string_view& bytes, beanstalk_reply& into);

 private:
  found take_kept(std::string_view& bytes, beanstalk_reply& into);
  void keep(std::string_view& bytes, std::size_t count);

  std::string kept_;
  std::size_t missing_{0};  ///< of the reply that is kept; 0 while its line has not come
  bool given_{false};       ///< what is kept was given out and goes at the next call
  bool lost_{false};        ///< there was nonsense
};

}  // namespace millrace::wire
