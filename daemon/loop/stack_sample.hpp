#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include <millrace/base/time.hpp>

namespace millrace::loop {

/// Where a thread is: the addresses at which its calls return, the innermost first.
struct stack_sample {
  static constexpr std::size_t frames_max = 48;

  std::vector<std::uintptr_t> addresses;
  bool is_exact{true};  ///< false: found in the memory of the stack, so some may be left from calls that have ended
};

/// Samples the stack of one thread from another one, without a change of what the thread does.
///
/// A thread that computes, or waits in a system call that goes on after a signal, gets a real-time signal, whose
/// handler unwinds the stack. The handler allocates nothing and takes no lock: the tables for unwinding are found
/// without one (glibc 2.35 and later). Any other system call, like poll or a sleep, would end with EINTR. A thread in
/// one of them gets no signal; its stack is read instead and searched for return addresses (x86-64 only).
///
/// Made on the thread that is sampled, which must outlive it. `take` may be called by any other thread.
class stack_sampler {
 public:
  stack_sampler();

  /// Nothing: the thread could not be sampled until then.
  [[nodiscard]] std::optional<stack_sample> take(instant until) const;

 private:
  pthread_t thread_;
  pid_t thread_id_;
  std::uintptr_t stack_end_;  ///< 0: unknown
};

}  // namespace millrace::loop
