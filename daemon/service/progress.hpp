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

/// How often the line moves.
inline constexpr duration progress_every = std::chrono::milliseconds{200};
/// Queues that it names.
inline constexpr std::size_t progress_queues_max = 6;

/// A line that moves, on a terminal: jobs done, how many a second, and how full the queues are.
///
/// Owned by the lifecycle; loop thread. Writes on a thread of its own, because a terminal can be stopped (Ctrl-S).
/// After `begin`, `end` must have been awaited before it is destroyed.
class progress {
 public:
  progress(loop::event_loop& loop, const broker::broker& broker, const workload::workload& work, int descriptor);

  void begin();
  /// Takes the line away; does not wait long for a terminal that is stopped.
  loop::awaitable<> end();

 private:
  loop::awaitable<> show();
  loop::awaitable<> write(std::string bytes);
  std::string text(instant now);
  [[nodiscard]] std::uint64_t jobs_done() const;

  loop::event_loop& loop_;
  const broker::broker& broker_;
  const workload::workload& work_;
  int descriptor_;
  status_line line_;
  loop::io_thread lane_;
  loop::task_scope scope_;
  std::uint64_t done_before_{0};
  instant measured_at_;
  double per_second_{0};
};

}  // namespace millrace::service
