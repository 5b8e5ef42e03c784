#include "loop/signal_free_thread.hpp"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <system_error>
#include <utility>

/// Of jemalloc (man 3 jemalloc); null in a program that is not linked with it.
extern "C" [[gnu::weak]] int mallctl(const char* name, void* old_value, std::size_t* old_size, void* new_value,
                                     std::size_t new_size);

namespace millrace::loop {

namespace {

constexpr std::size_t thread_name_max = 15;

/// Creates the arena of jemalloc that the next thread would create with its first allocation. There, jemalloc 5.3
/// dereferences a null pointer when no address space is left for the arena (`tsd_tcache_data_init`). False: none is.
bool create_next_arena() noexcept {
  static std::atomic<unsigned> threads{0};
  if (mallctl == nullptr) return true;
  unsigned arenas = 0;
  std::size_t size = sizeof arenas;
  if (mallctl("opt.narenas", &arenas, &size, nullptr, 0) != 0) return true;
  // Arena 0 is that of the main thread. Beyond the last one, threads share arenas.
  unsigned next = threads.load() + 1;
  if (next >= arenas) return true;
  unsigned own = 0;
  size = sizeof own;
  // An arena is created when a thread moves to it; this thread moves back at once.
  if (mallctl("thread.arena", &own, &size, &next, sizeof next) != 0) return false;
  static_cast<void>(mallctl("thread.arena", nullptr, nullptr, &own, sizeof own));
  ++threads;
  return true;
}

}  // namespace

std::thread signal_free_thread(const std::string& name, std::function<void()> body) {
  if (!create_next_arena()) {
    throw std::system_error{EAGAIN, std::generic_category(), "thread '" + name + "' cannot be started"};
  }
  // A new thread inherits the mask of its creator, so it is set before the thread starts.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  // Signals that a thread causes itself stay unblocked: blocked, they would end the process without their handler.
  for (const int own : {SIGBUS, SIGFPE, SIGILL, SIGSEGV}) ::sigdelset(&all, own);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread made;
  try {
    made = std::thread{std::move(body)};
  } catch (const std::system_error& failure) {
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw std::system_error{failure.code(), "thread '" + name + "' cannot be started"};
  } catch (...) {
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_setname_np(made.native_handle(), name.substr(0, thread_name_max).c_str());
  return made;
}

}  // namespace millrace::loop
