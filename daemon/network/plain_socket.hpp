#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include <sys/uio.h>
#include <boost/system/error_code.hpp>

#include "network/listener.hpp"

namespace millrace::network {

/// A connected socket that Asio does not know: each call does what can be done now and returns. To be told when more can be done it stands in a
/// `readiness`. Its options stay what they were.
///
/// Belongs to one connection, on one thread. Closes when destroyed.
class plain_socket {
 public:
  /// How much was done, or why nothing was: `would_block`, `eof`, or how the connection has ended.
  struct outcome {
    std::size_t bytes{0};
    boost::system::error_code failure;
  };

  /// Takes the descriptor, which is closed in the end.
  explicit plain_socket(int descriptor) noexcept : descriptor_{descriptor} {}
  /// Takes it out of Asio, where nothing may wait for it.
  explicit plain_socket(stream_socket taken);
  ~plain_socket() { close(); }
  plain_socket(plain_socket&& other) noexcept : descriptor_{other.release()} {}
  plain_socket& operator=(plain_socket&&) = delete;

  /// Less than there is room for means that there was no more.
  outcome receive(std::span<char> into) noexcept;
  /// Less than all means that the system's buffer is full.
  outcome send(std::span<const char> bytes) noexcept;
  outcome send(std::span<const iovec> pieces) noexcept;
  void close() noexcept;
  /// Lets go of the descriptor, which is the caller's from now on.
  int release() noexcept { return std::exchange(descriptor_, -1); }

  [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace millrace::network
