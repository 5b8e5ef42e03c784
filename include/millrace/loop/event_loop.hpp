#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <millrace/base/counters.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/task.hpp>

namespace millrace::loop {

struct loop_core;

/// Measurements of the loop.
struct loop_counts {
  counter turns;
  counter busy_nanoseconds;  ///< time not spent waiting for events
  histogram lag;             ///< how late a probe timer fires, measured every `lag_probe_every`
};

inline constexpr duration lag_probe_every = std::chrono::milliseconds{50};

enum class clock_kind {
  real,
  manual,  ///< for tests: time stands still until `advance`
};

/// Runs the coroutines of one thread. Owns the io_context, the list of tasks, the deadlines and the current time.
///
/// Owned by the program; everything but `post_from_any_thread` belongs to the thread that calls `run`. There is no
/// stop: `run` returns when nothing is left to do, that is, when every task has ended, no deadline is set, no mailbox
/// is open and no system operation is in progress.
class event_loop {
 public:
  explicit event_loop(clock_kind clock = clock_kind::real);
  ~event_loop();
  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;

  /// Runs until nothing is left to do. Rethrows an exception of a task that no scope has caught.
  void run();

  /// The time of this turn. The clock is read once after each wake-up, and by `refresh_now`.
  [[nodiscard]] instant now() const noexcept;
  instant refresh_now() noexcept;

  /// Runs `work` on the loop later, outside any task. The only member for other threads.
  void post_from_any_thread(std::function<void()> work);

  /// Manual clock only: advances the time by `by`, fires deadlines in order, and runs everything that became ready.
  void advance(duration by);
  /// Runs all work that is ready, without waiting: for tests with a manual clock. Returns the number of handlers run.
  std::size_t run_ready();

  [[nodiscard]] std::vector<task_facts> tasks() const;
  /// Only the tasks that work on a job with a name, in the order in which they began those jobs.
  [[nodiscard]] std::vector<task_facts> tasks_with_named_jobs() const;
  /// Cancels a task: its next await throws operation_aborted. False: no task has that id.
  bool cancel(task_id task);

  [[nodiscard]] const loop_counts& counts() const noexcept;
  /// For the owner of I/O objects: an executor of the task that runs now, or of none.
  [[nodiscard]] executor get_executor() noexcept;
  [[nodiscard]] boost::asio::io_context& context() noexcept;
  /// The state that the loop's primitives share. For modules of the daemon that suspend coroutines themselves.
  [[nodiscard]] loop_core& core() noexcept;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::loop
