#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

#include "loop/trace_event.hpp"
#include "loop/trace_text.hpp"

namespace millrace::loop {

/// The file of a trace, in the format that Perfetto and chrome://tracing open (loop/trace_text.hpp).
///
/// The file is complete JSON after each call: the closing bracket is overwritten by the next events. A process that is
/// killed within a write leaves a file without the bracket, which both programs accept. At `bytes_max` the last event
/// says so, a warning is logged, and further events are left out.
///
/// Only the owner of the file may read it, whatever its mode was before: texts of jobs may be private.
///
/// One thread at a time, except for what is atomic. `finish` closes the file and frees what its events needed; without
/// it the destructor does. A file that was made here and in which no trace has begun is removed by the destructor.
class trace_file {
 public:
  /// Makes the file, or empties it; it must be a regular one. A pipe is refused, not waited for. Blocks. The errors
  /// `refused`: it exists and may not; `io`: anything else. No file is left behind that was not there before.
  static result<std::shared_ptr<trace_file>> open(const std::string& path, std::uint64_t bytes_max, bool may_exist);
  ~trace_file();
  trace_file(const trace_file&) = delete;
  trace_file& operator=(const trace_file&) = delete;

  /// Loop thread, before the first event: the time from which the trace counts.
  void begin_at(instant begin) noexcept {
    text_.begin_at(begin);
    has_begun_ = true;
  }
  /// Writes the events. Blocks. Does nothing when the file is full or has failed.
  void append(const trace_chunk& events);
  /// Writes how many events were left out, and closes the file. Blocks. Requires: afterwards only what is atomic is
  /// used.
  void finish(instant at, std::uint64_t left_out);
  /// Loop thread: a copy of `name` that lasts until `finish`.
  std::string_view keep_name(std::string_view name);

  enum class state : std::uint8_t { open, full, failed, complete };
  /// Any thread.
  [[nodiscard]] state current() const noexcept { return state_.load(std::memory_order_acquire); }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t bytes_max() const noexcept { return bytes_max_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  trace_file(std::string path, int descriptor, bool is_new, std::uint64_t bytes_max);

  /// Refuses what is no regular file. Makes the file private, empties it and writes the names of the groups.
  result<> prepare();
  void close() noexcept;
  /// Takes back what was added since `before` if the file is full with it.
  void keep_limit(std::size_t before, instant at);
  /// Writes the events. The error number; 0: none.
  int try_write();
  /// The same; an error ends the trace.
  void write();
  /// The file ends behind the events that were written completely.
  void cut_off();

  std::string path_;
  int descriptor_;  ///< -1: closed
  bool is_new_;     ///< was not there before
  bool has_begun_{false};
  std::uint64_t bytes_max_;
  trace_text text_;       ///< what is not written yet
  std::uint64_t end_{0};  ///< of the written events: the closing bracket follows
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<state> state_{state::open};
  std::unordered_set<std::string> names_;  ///< loop thread until `finish`; elements stay where they are
};

}  // namespace millrace::loop
