#pragma once

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace millrace::network {

/// A descriptor in reserve for the time when the process has no other: it is closed to accept one connection, which can
/// then be answered or refused instead of waiting in the backlog without limit.
///
/// Belongs to one listener, on the loop's thread. Another thread may take the descriptor between `give_up` and the
/// accept.
class reserve_descriptor {
 public:
  reserve_descriptor() = default;
  ~reserve_descriptor() { give_up(); }
  reserve_descriptor(const reserve_descriptor&) = delete;
  reserve_descriptor& operator=(const reserve_descriptor&) = delete;

  /// Opens the descriptor if it is closed; false if the system has none.
  bool take() noexcept {
    if (descriptor_ < 0) descriptor_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    return descriptor_ >= 0;
  }
  void give_up() noexcept {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

 private:
  int descriptor_{-1};
};

}  // namespace millrace::network
