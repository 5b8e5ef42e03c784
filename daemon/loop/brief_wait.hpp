#pragma once

#include <millrace/base/time.hpp>

namespace millrace::loop {

/// To sleep until another thread wakes it costs both some microseconds and delays ten times that. So a thread looks for what it waits for a while
/// before it sleeps: some 20 µs if its last sleep was a short one, else only a moment. One thread's own.
class brief_wait {
 public:
  /// True as soon as `seen()` is; false: time to sleep.
  template <class Seen>
  bool until(Seen&& seen) {
    for (int look = 0; look < looks_; ++look) {
      if (seen()) return true;
      pause();
    }
    return false;
  }
  /// After each sleep.
  void slept(duration how_long) noexcept { looks_ = how_long <= short_sleep ? looks_most : looks_least; }

 private:
  /// Looking would have been cheaper: most of such a sleep is the waking, on both sides.
  static constexpr duration short_sleep = std::chrono::microseconds{150};
  static constexpr int looks_most = 1'024;
  static constexpr int looks_least = 16;

  static void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  int looks_{looks_least};
};

}  // namespace millrace::loop
