#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include <millrace/base/result.hpp>
#include <millrace/loop/event_loop.hpp>

namespace millrace::loop {

/// A thread of its own for calls that may block: reading standard input or a file, writing to a pipe nobody empties. Calls run one after another, in
/// order; at most `calls_max` wait, further callers suspend. A call that is stuck in the operating system holds the lane, never the loop.
class blocking_lane {
 public:
  static constexpr std::size_t calls_max = 64;

  blocking_lane(event_loop& loop, std::string name);
  /// Joins the thread. A call that never returns is left behind: the thread is detached with what it needs, so that the program can end.
  ~blocking_lane();
  blocking_lane(const blocking_lane&) = delete;
  blocking_lane& operator=(const blocking_lane&) = delete;

  /// Runs `call` on the lane's thread and comes back with its answer. Cancelled: throws operation_aborted at once; the call may still happen.
  /// `call` must own what it touches.
  awaitable<result<std::string>> run(std::function<result<std::string>()> call);
  /// No further calls; lets the loop end.
  void close();

 private:
  struct parts;
  std::shared_ptr<parts> parts_;
};

}  // namespace millrace::loop
