#include "loop/readable.hpp"

#include <poll.h>

namespace millrace::loop {

bool is_readable(int descriptor) noexcept {
  pollfd state{descriptor, POLLIN, 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & POLLNVAL) == 0;
}

}  // namespace millrace::loop
