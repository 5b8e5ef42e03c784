#include "handlers/write_all.hpp"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <system_error>

namespace millrace::handlers {

namespace {

error error_of(int number) {
  switch (number) {
    case EPIPE:
    case EBADF:
      return {errc::io, "standard output is closed"};
    case ENOSPC:
      return {errc::io, "no space is left for standard output"};
    default:
      return {errc::io, "standard output cannot be written: " + std::generic_category().message(number)};
  }
}

}  // namespace

result<std::string> write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t bytes = ::write(descriptor, text.data(), text.size());
    if (bytes >= 0) {
      text.remove_prefix(static_cast<std::size_t>(bytes));
    } else if (errno == EAGAIN) {
      // The descriptor may be non-blocking. This thread may wait.
      pollfd writable{descriptor, POLLOUT, 0};
      poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return error_of(errno);
    }
  }
  return std::string{};
}

}  // namespace millrace::handlers
