#include "base/background_free.hpp"

#include <pthread.h>
#include <csignal>

#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

namespace millrace {

namespace {

/// The list is linked through the blocks themselves, so that freeing needs no memory.
struct block {
  block* next;
};

class freeing_thread {
 public:
  void take(void* memory) noexcept {
    try {
      const std::lock_guard hold{lock_};
      if (!started_) start();
      started_ = true;
      waiting_ = new (memory) block{waiting_};
    } catch (...) {
      // No thread could be created.
      ::operator delete(memory);
      return;
    }
    wanted_.notify_one();
  }

  void wait_for(std::uint64_t blocks) {
    std::unique_lock hold{lock_};
    some_freed_.wait(hold, [&] { return freed_ >= blocks; });
  }

 private:
  /// Another thread waits for signals, so the new thread inherits a mask that blocks all of them.
  void start() {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      std::thread{[this] { serve(); }}.detach();
    } catch (...) {
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      throw;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void serve() {
    std::unique_lock hold{lock_};
    for (;;) {
      wanted_.wait(hold, [this] { return waiting_ != nullptr; });
      block* next = std::exchange(waiting_, nullptr);
      hold.unlock();
      std::uint64_t count = 0;
      while (next != nullptr) {
        block* const memory = std::exchange(next, next->next);
        ::operator delete(static_cast<void*>(memory));
        ++count;
      }
      hold.lock();
      freed_ += count;
      some_freed_.notify_all();
    }
  }

  std::mutex lock_;
  std::condition_variable wanted_;
  std::condition_variable some_freed_;
  block* waiting_{nullptr};
  std::uint64_t freed_{0};
  bool started_{false};
};

/// Never destroyed: its thread runs until the process ends.
freeing_thread& the_thread() {
  static auto& only = *new freeing_thread;
  return only;
}

}  // namespace

void free_in_background(void* memory) noexcept { the_thread().take(memory); }

void wait_for_background_frees(std::uint64_t blocks) { the_thread().wait_for(blocks); }

}  // namespace millrace
