#pragma once

#include <functional>
#include <optional>
#include <string>

#include <millrace/base/time.hpp>

#include "store/wall_clock.hpp"

namespace millrace::store {

/// When a wait for a lock of the data file is logged, and when it ends without the lock.
struct lock_wait_limits {
  duration log_after{std::chrono::seconds{1}};
  duration log_every{std::chrono::seconds{10}};
  duration give_up_after{std::chrono::seconds{30}};
};

/// Logs a wait that lasts: `store_locked` after `log_after` and again after each `log_every`, `store_unlocked` at its
/// end. One thread.
class wait_log {
 public:
  /// `doing`: the work that has to wait, as a sentence of the log.
  wait_log(std::string file, const char* doing, lock_wait_limits limits);

  /// The wait goes on.
  void waits() noexcept;
  /// The lock is taken, or no longer wanted. Does nothing without a wait.
  void ended() noexcept {
    if (since_) end();
  }
  /// How long the wait lasts; zero without one.
  [[nodiscard]] duration waited() const noexcept { return since_ ? since_->elapsed() : duration::zero(); }

 private:
  void end() noexcept;

  std::string file_;
  const char* doing_;
  lock_wait_limits limits_;
  std::optional<stopwatch> since_;
  std::optional<stopwatch> logged_;
};

/// Waits for a lock that another connection holds, of this process or of another one. Such a lock is released sooner or
/// later, so a wait is no failure of the disk.
///
/// Owned by its connection; called on the thread of the connection.
class lock_wait {
 public:
  /// Returns after `time` at the latest. False: the statement must fail instead of waiting on.
  using pause = std::function<bool(duration time)>;

  /// Waits with `by` until that says no. `limits.give_up_after` does not count.
  lock_wait(std::string file, pause by, lock_wait_limits limits);
  /// Sleeps, and gives up after `limits.give_up_after`.
  lock_wait(std::string file, lock_wait_limits limits);

  /// A statement was refused a lock. True: it shall try again.
  [[nodiscard]] bool wait() noexcept;
  /// The statement has ended, with the lock or without it.
  void ended() noexcept {
    log_.ended();
    tries_ = 0;
  }

 private:
  wait_log log_;
  pause pause_;
  unsigned tries_{0};
};

}  // namespace millrace::store
