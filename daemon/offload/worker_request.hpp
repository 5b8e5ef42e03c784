#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <millrace/base/body.hpp>
#include <millrace/base/ids.hpp>
#include <millrace/base/linked_list.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/wait_point.hpp>

#include "loop/loop_core.hpp"
#include "loop/trace_lane.hpp"
#include "offload/work_length.hpp"
#include "offload/worker_answer.hpp"

namespace millrace::offload {

class worker_process;

/// Longer bodies and lines are written and parsed on a thread: what that costs grows with the bytes, and those of this
/// limit take a fraction of a millisecond.
inline constexpr std::size_t on_loop_bytes_max = std::size_t{64} * 1024;

/// A job for a worker process.
struct worker_task {
  job_id id{};
  std::string_view queue;  ///< outlives the task
  std::uint32_t attempt{1};
  body content;
  std::string_view handler{};          ///< for `wire::worker_job`; outlives the task
  const work_length* length{nullptr};  ///< how long tasks like this one take; outlives the task
  std::string line{};                  ///< not empty: the line for the worker; empty: `write_line` makes it
};

/// Makes `line` from the other members. Any thread.
void write_line(worker_task& task);

/// Bytes of a `progress` line that are shown.
inline constexpr std::size_t progress_bytes_max = 200;

/// A task in a pool. In the frame of the coroutine that waits for its answer.
/// Requires: made in the task that waits for the answer.
struct worker_request : list_link<worker_request> {
  worker_request(loop::event_loop& loop, worker_task wanted)
      : task{std::move(wanted)}, caller{loop.core().current()}, answered{loop, "a worker"} {}
  ~worker_request() { caller.progress.clear(); }
  worker_request(const worker_request&) = delete;
  worker_request& operator=(const worker_request&) = delete;

  /// The list of tasks shows the beginning of the text, in one line.
  void note_progress(std::string_view text);

  void finish(worker_answer with) {
    answer = std::move(with);
    holder = nullptr;
    answered.wake_one();
  }

  worker_task task;
  loop::task_record& caller;
  instant since{};                  ///< when it came
  loop::trace_lane submitter;       ///< while a trace runs
  worker_process* holder{nullptr};  ///< null: it waits, or it has its answer
  std::optional<worker_answer> answer;
  loop::wait_point answered;
};

}  // namespace millrace::offload
