#include "loop/signal_free_thread.hpp"

#include <pthread.h>
#include <signal.h>

#include <cstddef>
#include <system_error>
#include <utility>

namespace millrace::loop {

namespace {
constexpr std::size_t thread_name_max = 15;
}

std::thread signal_free_thread(const std::string& name, std::function<void()> body) {
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
