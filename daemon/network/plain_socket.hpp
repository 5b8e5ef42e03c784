#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include <sys/uio.h>
#include <boost/system/error_code.hpp>

#include "network/listener.hpp"

namespace millrace::network {

/// A connected socket outside Asio: each call does what can be done now and returns. `readiness` announces when more
/// can be done. The options of the socket stay as they were.
///
/// Belongs to one connection, on one thread. Closes when destroyed.
class plain_socket {
 public:
  /// The bytes done, or the reason why none were: `would_block`, `eof`, or the error that ended the connection.
  struct io_result {
    std::size_t bytes{0};
    boost::system::error_code failure;
  };

  /// Owns the descriptor from now on.
  explicit plain_socket(int descriptor) noexcept : descriptor_{descriptor} {}
  /// Takes the descriptor out of Asio. Requires: no operation waits there.
  explicit plain_socket(stream_socket socket);
  ~plain_socket() { close(); }
  plain_socket(plain_socket&& other) noexcept : descriptor_{other.release()} {}
  plain_socket& operator=(plain_socket&&) = delete;

  /// Fewer bytes than `buffer` can hold: there were no more.
  io_result receive(std::span<char> buffer) noexcept;
  /// Fewer bytes than `bytes` has: the system's buffer is full.
  io_result send(std::span<const char> bytes) noexcept;
  io_result send(std::span<const iovec> pieces) noexcept;
  /// The peer reads the end of the stream after the bytes that were sent. Receiving is still possible.
  void shut_down_sending() noexcept;
  /// Whether bytes that were sent, or the end of the stream, wait for an acknowledgement of the peer's system. For a
  /// Unix socket: whether the peer still has bytes to read.
  [[nodiscard]] bool has_unacknowledged_bytes() const noexcept;
  void close() noexcept;
  /// The caller owns the descriptor from now on.
  int release() noexcept { return std::exchange(descriptor_, -1); }

  [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace millrace::network
