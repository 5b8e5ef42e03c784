#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

namespace millrace::loop {

/// A thread of its own for calls that may block: reading standard input or a file, writing to a pipe nobody empties. Calls run one after
/// another, in the order in which their callers came; at most `calls_max` are with the thread. A call that is stuck in the operating system holds the
/// lane, never the loop.
///
/// Loop thread only. While open it keeps the loop running; its owner closes it, and destroys it when nobody waits at it any more.
/// The constructor throws std::system_error when the thread cannot be started.
class blocking_lane {
 public:
  static constexpr std::size_t calls_max = 64;
  /// How long the destructor waits for a call that is under way: less than what counts as a stall.
  static constexpr duration patience = std::chrono::milliseconds{50};

  /// `name` is what system tools show for the thread (15 characters of it).
  blocking_lane(event_loop& loop, std::string name);
  /// Closes the lane if it is open, and joins the thread. A call that does not return within `patience` is left behind:
  /// the thread is detached with what it needs, so that the program can end. Asserts that nobody waits.
  ~blocking_lane();
  blocking_lane(const blocking_lane&) = delete;
  blocking_lane& operator=(const blocking_lane&) = delete;

  /// Runs `call` on the lane's thread and comes back with its answer; what it throws becomes an `io` error. Cancelled: throws
  /// operation_aborted at once; a call that has begun by then goes on. `call` must own what it touches.
  awaitable<result<std::string>> run(std::function<result<std::string>()> call);
  /// No further calls: they are answered with a `cancelled` error, those under way are answered as ever. Lets the loop end.
  void close();

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::loop
