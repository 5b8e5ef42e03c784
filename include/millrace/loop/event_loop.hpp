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

/// What the loop measures of itself.
struct loop_counts {
  counter turns;
  counter busy_nanoseconds;  ///< time not spent waiting for something to happen
  histogram lag;             ///< how late a probe timer fires, measured every `lag_probe_every`
};

inline constexpr duration lag_probe_every = std::chrono::milliseconds{50};

enum class clock_kind {
  real,
  manual,  ///< for tests: time stands still until `advance`
};

/// The one thread that waits. Owns the io_context, the list of tasks, the deadlines and the notion of *now*.
///
/// `run()` returns because nothing is left to do: every task has ended and every timer is gone. There is no stop.
/// Everything but `post_from_any_thread` belongs to the thread that runs it.
class event_loop {
 public:
  explicit event_loop(clock_kind clock = clock_kind::real);
  ~event_loop();
  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;

  /// Runs until nothing is left. An exception of a spawned task that its scope did not take ends up here.
  void run();

  /// The time of this turn: read once after each wake-up (and when `refresh_now` is called).
  [[nodiscard]] instant now() const noexcept;
  instant refresh_now() noexcept;

  /// Runs `work` on the loop later, on behalf of no task. The only member for other threads.
  void post_from_any_thread(std::function<void()> work);

  /// Manual clock only: moves time on by `by`, firing deadlines in order, and runs everything that became ready.
  void advance(duration by);
  /// Runs everything that is ready without waiting: for tests with a manual clock. Returns the number of handlers run.
  std::size_t run_ready();

  [[nodiscard]] std::vector<task_facts> tasks() const;
  /// Asks a task to end: its next await throws. False if there is none of that id.
  bool cancel(task_id task);

  [[nodiscard]] const loop_counts& counts() const noexcept;
  /// For the owner of I/O objects: an executor that belongs to the task now running (or to none).
  [[nodiscard]] executor get_executor() noexcept;
  [[nodiscard]] boost::asio::io_context& context() noexcept;
  /// What the loop's own primitives share; closed to everybody else.
  [[nodiscard]] loop_core& core() noexcept;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::loop
