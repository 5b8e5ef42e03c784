// Replaces the calls that are about sockets, threads and clocks.

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "control.hpp"

using fault_shim::attempt;
using fault_shim::call;

namespace {

template <class... Words>
int make_call(call kind, long number, Words... words) {
  const attempt now{kind};
  return now.fails() ? -1 : static_cast<int>(::syscall(number, words...));
}

constexpr std::int64_t nanoseconds_of_second = 1'000'000'000;

void shift(::timespec& time, std::int64_t nanoseconds) noexcept {
  const std::int64_t sum = time.tv_sec * nanoseconds_of_second + time.tv_nsec + nanoseconds;
  time.tv_sec = sum / nanoseconds_of_second;
  time.tv_nsec = sum % nanoseconds_of_second;
  if (time.tv_nsec < 0) {
    time.tv_nsec += nanoseconds_of_second;
    --time.tv_sec;
  }
}

std::int64_t offset_of(clockid_t clock) noexcept {
  const auto* const control = fault_shim::steered();
  if (control == nullptr) return 0;
  switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
      return control->wall_nanoseconds;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME:
      return control->steady_nanoseconds;
    default:
      return 0;
  }
}

}  // namespace

extern "C" {

int socket(int domain, int type, int protocol) noexcept {
  return make_call(call::socket, SYS_socket, domain, type, protocol);
}

int bind(int file, const struct sockaddr* address, socklen_t length) noexcept {
  return make_call(call::bind, SYS_bind, file, address, length);
}

int listen(int file, int backlog) noexcept { return make_call(call::listen, SYS_listen, file, backlog); }

int accept(int file, struct sockaddr* address, socklen_t* length) {
  return make_call(call::accept, SYS_accept, file, address, length);
}

int accept4(int file, struct sockaddr* address, socklen_t* length, int flags) {
  return make_call(call::accept, SYS_accept4, file, address, length, flags);
}

int epoll_create1(int flags) noexcept { return make_call(call::epoll_create, SYS_epoll_create1, flags); }
int eventfd(unsigned count, int flags) noexcept { return make_call(call::eventfd, SYS_eventfd2, count, flags); }
int timerfd_create(clockid_t clock, int flags) noexcept {
  return make_call(call::timerfd_create, SYS_timerfd_create, clock, flags);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*function)(void*),
                   void* argument) noexcept {
  static const auto next = reinterpret_cast<decltype(&pthread_create)>(::dlsym(RTLD_NEXT, "pthread_create"));
  const attempt now{call::thread_create};
  return now.fails() ? errno : next(thread, attributes, function, argument);
}

int clock_gettime(clockid_t clock, struct timespec* time) noexcept {
  if (::syscall(SYS_clock_gettime, clock, time) != 0) return -1;
  shift(*time, offset_of(clock));
  return 0;
}

int gettimeofday(struct timeval* time, void*) noexcept {
  ::timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  *time = {now.tv_sec, now.tv_nsec / 1'000};
  return 0;
}

// The system's clock does not know of the offset.
int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const struct timespec* until) {
  static const auto next =
      reinterpret_cast<decltype(&pthread_cond_clockwait)>(::dlsym(RTLD_NEXT, "pthread_cond_clockwait"));
  ::timespec real = *until;
  shift(real, -offset_of(clock));
  if (real.tv_sec < 0) real = {};
  return next(condition, mutex, clock, &real);
}

}  // extern "C"
