#pragma once

#include <functional>
#include <memory>

#include <millrace/loop/event_loop.hpp>

namespace millrace::loop {

/// Lets other threads wake the loop: they ring, and the loop calls `on_ring` once for any number of rings since the
/// last call. The owner keeps the data itself, where both threads may use it.
///
/// Owned by the receiver, on the loop's thread. While open it keeps the loop running; `close` lets the loop end.
/// Requires: the threads that ring have stopped before it is destroyed.
class mailbox {
 public:
  mailbox(event_loop& loop, std::function<void()> on_ring);
  ~mailbox();  ///< closes it if it is open, because the constructor of the owner has failed
  mailbox(const mailbox&) = delete;
  mailbox& operator=(const mailbox&) = delete;

  /// Any thread. At most one system call, and none while a delivery is pending or the loop is awake. `on_ring` sees
  /// what the caller has written before.
  void ring() noexcept;
  /// Loop thread: a ring is expected within microseconds, so the loop polls for it before it blocks.
  void expect_soon(bool on) noexcept;
  /// Drops pending rings, and makes no delivery any more.
  void close();

 private:
  struct parts;
  std::shared_ptr<parts> parts_;
};

}  // namespace millrace::loop
