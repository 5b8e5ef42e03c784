#pragma once

#include <millrace/base/time.hpp>

namespace millrace::loop {

/// Decides how long a thread polls before it blocks. Blocking costs this thread and the one that wakes it microseconds
/// each, and adds tens of microseconds of latency. So the thread polls for about 20 microseconds if its last sleep was
/// short, and only a moment otherwise. Owned by one thread; it has no state beside the length of the next poll.
class adaptive_spin {
 public:
  /// True as soon as `ready()` is true. False: the caller should block.
  template <class Ready>
  bool until(Ready&& ready) {
    for (int look = 0; look < looks_; ++look) {
      if (ready()) return true;
      pause();
    }
    return false;
  }
  /// To be called after each sleep with its length.
  void slept(duration length) noexcept { looks_ = length <= short_sleep ? looks_max : looks_min; }

 private:
  /// Polling would have been cheaper: most of such a sleep is the cost of waking up.
  static constexpr duration short_sleep = std::chrono::microseconds{150};
  static constexpr int looks_max = 1'024;
  static constexpr int looks_min = 16;

  static void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  int looks_{looks_min};
};

}  // namespace millrace::loop
