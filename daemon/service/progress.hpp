#pragma once

#include <cstdint>
#include <string>

#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/io_thread.hpp>

#include "broker/broker.hpp"
#include "loop/task_scope.hpp"
#include "service/status_line.hpp"
#include "workload/workload.hpp"

namespace millrace::service {

/// Time between two updates of the line.
inline constexpr duration progress_interval = std::chrono::milliseconds{200};
/// Queues that the line shows.
inline constexpr std::size_t progress_queues_max = 6;

/// A status line on a terminal: jobs done, jobs per second, and the number of jobs in each queue.
///
/// Owned by the lifecycle. Loop thread only. Writes on a thread of its own, since a terminal can be stopped (Ctrl-S).
///
/// After `begin`, `end` must be awaited before destruction.
class progress {
 public:
  progress(loop::event_loop& loop, const broker::broker& broker, const workload::workload& work, int descriptor);

  void begin();
  /// Removes the line. Waits 200 ms at most for a terminal that is stopped.
  loop::awaitable<> end();

 private:
  loop::awaitable<> update();
  loop::awaitable<> write(std::string bytes);
  std::string text(instant now);
  [[nodiscard]] std::uint64_t jobs_done() const;

  loop::event_loop& loop_;
  const broker::broker& broker_;
  const workload::workload& work_;
  int descriptor_;
  status_line line_;
  loop::io_thread writer_;
  loop::task_scope scope_;
  std::uint64_t done_before_{0};
  instant measured_at_;
  double per_second_{0};
};

}  // namespace millrace::service
