#include "service/scarce.hpp"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cstdarg>

// The functions below replace those of the C library for the whole test program, its libraries included.

namespace {

using millrace::testing::scarce;

struct state {
  bool on{false};
  scarce kind{};
  std::uint64_t nth{0};
  std::uint64_t calls{0};
  bool failed{false};
};

thread_local state now;

bool refused(scarce kind) noexcept {
  if (!now.on || now.kind != kind) return false;
  if (++now.calls != now.nth) return false;
  now.failed = true;
  return true;
}

int no_descriptor() noexcept {
  errno = EMFILE;
  return -1;
}

template <class... Arguments>
int descriptor_of(long number, Arguments... arguments) noexcept {
  if (refused(scarce::descriptor)) return no_descriptor();
  return static_cast<int>(::syscall(number, arguments...));
}

int open_file(const char* path, int flags, std::va_list rest) {
  const bool has_mode = (flags & (O_CREAT | O_TMPFILE)) != 0;
  const unsigned mode = has_mode ? va_arg(rest, unsigned) : 0;
  return descriptor_of(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

}  // namespace

namespace millrace::testing {

scarcity::scarcity(scarce kind, std::uint64_t nth) { now = {true, kind, nth, 0, false}; }
scarcity::~scarcity() { now.on = false; }
std::uint64_t scarcity::calls() const noexcept { return now.calls; }
bool scarcity::failed() const noexcept { return now.failed; }

}  // namespace millrace::testing

extern "C" {

int socket(int domain, int type, int protocol) noexcept { return descriptor_of(SYS_socket, domain, type, protocol); }
int epoll_create1(int flags) noexcept { return descriptor_of(SYS_epoll_create1, flags); }
int eventfd(unsigned count, int flags) noexcept { return descriptor_of(SYS_eventfd2, count, flags); }
int timerfd_create(clockid_t clock, int flags) noexcept { return descriptor_of(SYS_timerfd_create, clock, flags); }
int pipe(int* ends) noexcept { return descriptor_of(SYS_pipe2, ends, 0); }

int open(const char* path, int flags, ...) {
  std::va_list rest;
  va_start(rest, flags);
  const int made = open_file(path, flags, rest);
  va_end(rest);
  return made;
}

int open64(const char* path, int flags, ...) {
  std::va_list rest;
  va_start(rest, flags);
  const int made = open_file(path, flags, rest);
  va_end(rest);
  return made;
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) noexcept {
  using function = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto of_the_system = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "pthread_create"));
  return refused(scarce::thread) ? EAGAIN : of_the_system(thread, attributes, body, argument);
}

}  // extern "C"
