#pragma once

#include <functional>
#include <memory>

#include <millrace/loop/event_loop.hpp>

namespace millrace::loop {

/// How other threads reach the loop: they ring, and the loop calls `deliver` once for any number of rings since the
/// last call. What is delivered lies in the caller's own lock-free structure. While open it keeps the loop running;
/// `close` lets it end.
///
/// Owned on the loop's thread by whoever gets the mail. The threads that ring must have stopped before it is destroyed.
class mailbox {
 public:
  mailbox(event_loop& loop, std::function<void()> deliver);
  ~mailbox();  ///< closes it, if its owner could not: an owner whose construction failed
  mailbox(const mailbox&) = delete;
  mailbox& operator=(const mailbox&) = delete;

  /// Any thread. One system call at most, none while a delivery is pending or the loop is awake. What the caller did
  /// before is seen by `deliver`.
  void ring() noexcept;
  /// Loop thread: a ring is a matter of microseconds, so that looking for it is cheaper than to sleep and be woken.
  void expect_soon(bool on) noexcept;
  /// No delivery after this, also not for what was rung before.
  void close();

 private:
  struct parts;
  std::shared_ptr<parts> parts_;
};

}  // namespace millrace::loop
