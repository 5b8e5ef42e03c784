#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <millrace/base/result.hpp>
#include <millrace/loop/event_loop.hpp>

#include "loop/child_guard.hpp"
#include "loop/child_spawn.hpp"
#include "loop/memory_cgroup.hpp"

namespace millrace::loop {

/// A program that runs, and this process' ends of the pipes to its streams.
struct started_child {
  spawned_child child;
  owned_descriptor input;                 ///< to write
  owned_descriptor output;                ///< to read
  owned_descriptor error;                 ///< to read
  std::optional<memory_cgroup> memory{};  ///< its control group, if it has one
};

/// Starts programs one after another on a thread of its own, because a thread that starts a program stops until the
/// program runs: a fraction of a millisecond, or longer where its file is on a slow disk or it enters a control group.
///
/// Owned by the `child_launcher`; `start` belongs to the loop's thread. The thread begins with the first start. The
/// destructor waits for the start that is in progress, and ends the thread; then the kernel kills the children that are
/// left, because their death signal is tied to that thread. As many starts wait as there are tasks that await one.
/// Requires: no task is in `start` when it is destroyed.
class child_starter {
 public:
  explicit child_starter(event_loop& loop) : loop_{loop} {}
  ~child_starter();
  child_starter(const child_starter&) = delete;
  child_starter& operator=(const child_starter&) = delete;

  /// Returns when the program runs. An error is one of `spawn`, of a pipe or of the thread; then nothing is left of the
  /// attempt. Does not throw when the task is cancelled: a start that has begun is completed, and one that has not is a
  /// `cancelled` error.
  awaitable<result<started_child>> start(child_command command, guard_pipe guard);
  /// Removes the group of a child on the thread, with what still runs in it. Requires: a start has succeeded.
  void remove(memory_cgroup&& group);

 private:
  struct request;

  [[nodiscard]] result<> hand_over(std::shared_ptr<request> wanted);
  void run();
  void answer(const std::shared_ptr<request>& wanted);

  event_loop& loop_;
  std::thread thread_;
  std::mutex lock_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<request>> waiting_;  ///< with the lock
  std::vector<memory_cgroup> to_remove_;          ///< with the lock
  bool ending_{false};                            ///< with the lock
  memory_cgroups cgroups_;                        ///< the thread's
};

}  // namespace millrace::loop
