#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/wait_point.hpp>

#include "loop/child_process.hpp"
#include "loop/error_tail.hpp"
#include "loop/task_scope.hpp"
#include "wire/worker_frame.hpp"

namespace millrace::offload {

/// What a worker process reads and writes: its standard input gets lines, its standard output is cut into messages, and
/// the end of its standard error is kept.
///
/// The owner gets all messages in the order of their lines, also those that were written shortly before the process
/// ended. Nothing follows a malformed line or `ignore_rest`. Lines are written in the order of `write`, as fast as the
/// process reads; nothing limits how many wait, since the owner limits the jobs of a process.
///
/// Owned by the `worker_process`, for one process; loop thread only. `start` starts three tasks, and `finish` ends them.
/// Requires: the process outlives this object; no callback destroys it; `finish` was awaited after `start`.
class worker_streams {
 public:
  struct events {
    std::function<void(wire::worker_message&&)> on_message;    ///< not malformed
    std::function<void(wire::worker_message&&)> on_malformed;  ///< at most once
    /// At most twice: the process has closed its output, or does not read. Most often it ends now.
    std::function<void()> on_closed;
  };

  /// `line_bytes_max`: of a line of the output.
  worker_streams(loop::event_loop& loop, loop::child_process& child, std::size_t line_bytes_max, events callbacks);
  ~worker_streams();
  worker_streams(const worker_streams&) = delete;
  worker_streams& operator=(const worker_streams&) = delete;

  /// `name`: of the process, for the names of the tasks.
  void start(const std::string& name);
  /// Reads what the process left in its pipes, up to a limit. Requires: the process has ended.
  loop::awaitable<> finish();

  void write_job(const wire::worker_job& job);
  void write_cancellation(job_id job);
  /// `line` ends with a newline.
  void write_line(std::string_view line);
  /// All lines were given to the process.
  [[nodiscard]] bool all_written() const noexcept { return outgoing_.empty() && writing_.empty(); }
  /// What the process writes from here on has no meaning.
  void ignore_rest() noexcept { is_over_ = true; }
  /// The end of the standard error on one line; empty if there was none.
  [[nodiscard]] std::string errors() const { return errors_.one_line(); }

 private:
  /// The engine keeps 1 KiB of an error, which begins with how the process ended.
  static constexpr std::size_t error_bytes_max = 700;

  loop::awaitable<> read_output();
  loop::awaitable<> read_errors();
  loop::awaitable<> write_lines();
  void read_rest();
  /// False: what follows has no meaning.
  bool apply(std::string_view output);

  loop::event_loop& loop_;
  loop::child_process& child_;
  events events_;
  loop::task_scope tasks_;
  wire::worker_frame_reader reader_;
  bool is_over_{false};  ///< what follows in the output has no meaning
  std::vector<char> buffer_;
  loop::error_tail errors_{error_bytes_max};
  std::string outgoing_;  ///< lines that are to be written
  std::string writing_;
  loop::wait_point has_outgoing_;
};

}  // namespace millrace::offload
