#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/ids.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/wait_point.hpp>

#include "loop/child_process.hpp"
#include "loop/error_tail.hpp"
#include "loop/task_scope.hpp"
#include "offload/thread_pool.hpp"
#include "wire/worker_frame.hpp"

namespace millrace::offload {

/// What a worker process reads and writes: its standard input gets lines, its standard output is cut into messages, and
/// the end of its standard error is kept.
///
/// The owner gets all messages in the order of their lines, also those that were written shortly before the process
/// ended. Nothing follows a malformed line or `ignore_rest`. A line of more than `on_loop_bytes_max` is parsed on a
/// thread; until it is, nothing more is read. Lines are written in the order of the calls, as fast as the process
/// reads; nothing limits how many wait, since the owner limits the jobs of a process. Buffers keep little memory after
/// large lines.
///
/// Owned by the `worker_process`, for one process; loop thread only. `start` starts three tasks; `finish` ends them.
/// Requires: the process outlives this object; no callback destroys it; `finish` was awaited after `start`.
class worker_streams {
 public:
  struct events {
    std::function<void(wire::worker_message&&)> on_message;    ///< not malformed
    std::function<void(wire::worker_message&&)> on_malformed;  ///< at most once
    /// At most twice: the process has closed its output, or does not read. Most often it ends now.
    std::function<void()> on_closed;
  };

  /// `line_bytes_max`: of a line of the output. `threads`: null, or outlives this object; a pool that is closed is not
  /// used any more, and lines are parsed on the loop.
  worker_streams(loop::event_loop& loop, loop::child_process& child, thread_pool* threads, std::size_t line_bytes_max,
                 events callbacks);
  ~worker_streams();
  worker_streams(const worker_streams&) = delete;
  worker_streams& operator=(const worker_streams&) = delete;

  /// `name`: of the process, for the names of the tasks.
  void start(const std::string& name);
  /// Returns when all is read that the process left in its pipes, up to a limit, and parsed.
  /// Requires: the process has ended; the caller is not cancelled.
  loop::awaitable<> finish();

  void write_job(const wire::worker_job& job);
  void write_cancellation(job_id job);
  /// `line` ends with a newline.
  void write_line(std::string&& line);
  /// All lines were given to the process.
  [[nodiscard]] bool all_written() const noexcept { return outgoing_.empty() && writing_.empty(); }
  /// What the process writes from here on has no meaning.
  void ignore_rest() noexcept { is_over_ = true; }
  /// The end of the standard error on one line; empty if there was none.
  [[nodiscard]] std::string errors() const { return errors_.one_line(); }
  /// Bytes of memory kept for lines, without the read buffer and a line on a thread. For tests.
  [[nodiscard]] std::size_t capacity() const noexcept;

 private:
  /// The engine keeps 1 KiB of an error, which begins with how the process ended.
  static constexpr std::size_t error_bytes_max = 700;

  loop::awaitable<> read_output();
  loop::awaitable<> read_errors();
  loop::awaitable<> write_lines();
  loop::awaitable<> read_rest();
  /// False: `long_line_` comes first.
  bool apply_unread();
  /// Applies `long_line_`, and what is unread behind it.
  loop::awaitable<> apply_long_lines();
  void apply(wire::worker_message&& message);
  loop::awaitable<wire::worker_message> parse_long_line();
  /// Where a line is appended.
  std::string& last_chunk();

  loop::child_process& child_;
  thread_pool* threads_;
  events events_;
  loop::event_loop& loop_;
  loop::task_scope tasks_;
  wire::worker_frame_reader reader_;
  bool is_over_{false};   ///< what follows in the output has no meaning
  bool is_ended_{false};  ///< the process has ended
  bool is_parsing_{false};
  task_id output_task_{}, errors_task_{}, input_task_{};
  std::vector<char> buffer_;
  std::string_view unread_;               ///< in the buffer
  std::optional<std::string> long_line_;  ///< read, to be parsed on a thread
  loop::error_tail errors_{error_bytes_max};
  std::deque<std::string> outgoing_;  ///< what is to be written: many short lines, or one long one
  std::string writing_;
  std::string spare_;  ///< empty; its memory is used again
  loop::wait_point has_outgoing_;
};

}  // namespace millrace::offload
