#include "handlers/write_all.hpp"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <system_error>

namespace millrace::handlers {

namespace {

error why_not(int number) {
  switch (number) {
    case EPIPE:
    case EBADF:
      return {errc::io, "standard output is closed"};
    case ENOSPC:
      return {errc::io, "no space is left where standard output goes"};
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
      // Somebody left the descriptor non-blocking; waiting is what this thread is for.
      pollfd writable{descriptor, POLLOUT, 0};
      poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return why_not(errno);
    }
  }
  return std::string{};
}

}  // namespace millrace::handlers
