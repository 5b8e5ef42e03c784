#pragma once

#include <cstdint>

namespace millrace::testing {

/// Resources that the system may refuse to the thread that runs a test.
enum class scarce {
  descriptor,  ///< socket, epoll, eventfd, timerfd, pipe, open: EMFILE
  thread,      ///< pthread_create: EAGAIN
};

/// Counts the calls of one kind that its thread makes during its lifetime, and lets the `nth` call fail (from 1; 0:
/// none). One object at a time. It replaces functions of the whole program: see scarce.cpp.
class scarcity {
 public:
  scarcity(scarce kind, std::uint64_t nth);
  ~scarcity();
  scarcity(const scarcity&) = delete;
  scarcity& operator=(const scarcity&) = delete;

  [[nodiscard]] std::uint64_t calls() const noexcept;
  /// The nth call was made and failed.
  [[nodiscard]] bool failed() const noexcept;
};

}  // namespace millrace::testing
