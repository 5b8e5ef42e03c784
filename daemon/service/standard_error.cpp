#include "service/standard_error.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <climits>

namespace millrace::service {

bool standard_error_is_blocked() noexcept {
  constexpr int timeout_ms = std::chrono::duration_cast<milliseconds>(standard_error_timeout).count();
  ::pollfd standard_error{STDERR_FILENO, POLLOUT, 0};
  int ready = 0;
  do {
    ready = ::poll(&standard_error, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  return ready == 0;
}

void write_to_standard_error(std::string_view text) noexcept {
  while (!text.empty() && !standard_error_is_blocked()) {
    // A writable pipe accepts PIPE_BUF bytes without blocking.
    const auto written = ::write(STDERR_FILENO, text.data(), text.substr(0, PIPE_BUF).size());
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (written <= 0) return;  // closed or full: nowhere to report it
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace millrace::service
