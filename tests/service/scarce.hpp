#pragma once

#include <cstdint>

namespace millrace::testing {

/// What the system may refuse to the thread that runs a test.
enum class scarce {
  descriptor,  ///< socket, epoll, eventfd, timerfd, pipe, open: EMFILE
  thread,      ///< pthread_create: EAGAIN
};

/// While it lives, the calls of one kind that its thread makes are counted, and the `nth` (from 1; 0: none) fails,
/// once. One at a time. The calls of the whole program are taken: see scarce.cpp.
class scarcity {
 public:
  scarcity(scarce kind, std::uint64_t nth);
  ~scarcity();
  scarcity(const scarcity&) = delete;
  scarcity& operator=(const scarcity&) = delete;

  [[nodiscard]] std::uint64_t calls() const noexcept;
  /// The nth call has come, and has failed.
  [[nodiscard]] bool failed() const noexcept;
};

}  // namespace millrace::testing
