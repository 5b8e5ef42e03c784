#pragma once

#include <atomic>
#include <cerrno>
#include <climits>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/// A shortage of descriptors that only `accept` meets. A real one (RLIMIT_NOFILE) is met by the sanitizer too, which
/// opens a pipe whenever it sees an object of a new type. To be included by one source of a test program: it defines
/// `accept` and `accept4` for the whole program.
namespace millrace::testing {

inline std::atomic<int> descriptor_limit{INT_MAX};

inline int lowest_free_descriptor() {
  const int lowest = ::dup(STDIN_FILENO);
  if (lowest >= 0) ::close(lowest);
  return lowest;
}

/// While it lives, `accept` fails with EMFILE unless a descriptor that was open at its beginning has been closed.
class no_descriptors_left {
 public:
  no_descriptors_left() { descriptor_limit = lowest_free_descriptor(); }
  ~no_descriptors_left() { descriptor_limit = INT_MAX; }
  no_descriptors_left(const no_descriptors_left&) = delete;
  no_descriptors_left& operator=(const no_descriptors_left&) = delete;
};

}  // namespace millrace::testing

extern "C" int accept4(int socket, sockaddr* address, socklen_t* length, int flags) {
  if (millrace::testing::lowest_free_descriptor() >= millrace::testing::descriptor_limit.load()) {
    errno = EMFILE;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_accept4, socket, address, length, flags));
}

extern "C" int accept(int socket, sockaddr* address, socklen_t* length) { return accept4(socket, address, length, 0); }
