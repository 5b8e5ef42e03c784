#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/system/error_code.hpp>
#include <millrace/base/body.hpp>

#include "network/plain_socket.hpp"

namespace millrace::network {

/// What is to be written to one connection: whoever answers appends, and one write takes it all. Large bodies are not copied but written from where
/// they lie. Memory is that of what waits: with nothing to write it holds none, since the buffer in which replies are built is lent by whoever owns
/// all connections; what is left after a write moves to a buffer of its size.
///
/// Belongs to one connection, on the loop's thread. It has no bound of its own: who appends looks at `bytes()` between two replies.
class outbox {
 public:
  /// A body of at least so many bytes is not copied.
  static constexpr std::size_t large_body_bytes = 16u << 10;

  /// `spare` is the buffer that is lent; it outlives the outbox.
  explicit outbox(std::string& spare) noexcept : spare_{spare} {}

  /// Where replies are appended.
  [[nodiscard]] std::string& text();
  /// Appends a body and what stands behind it.
  void add(const body& content, std::string_view end);

  /// Bytes that were appended and are not written.
  [[nodiscard]] std::size_t bytes() const noexcept { return text_.size() + large_bytes_ - written_; }
  [[nodiscard]] bool empty() const noexcept { return bytes() == 0; }
  /// Memory held for them: room that the text has not used included, and a large body whole, although others may share it.
  [[nodiscard]] std::size_t held_bytes() const noexcept {
    return empty() ? 0 : text_.capacity() + large_bytes_ + large_.capacity() * sizeof(large);
  }
  /// Bytes that were ever appended: a place in the stream.
  [[nodiscard]] std::uint64_t end() const noexcept { return dropped_ + text_.size() + large_bytes_; }

  static constexpr std::uint64_t all = ~std::uint64_t{0};
  /// Writes as much as the system takes now, without waiting, and nothing behind `up_to`. The error is that of a connection that has ended.
  boost::system::error_code write(plain_socket& to, std::uint64_t up_to = all);
  /// Forgets all of it.
  void clear();

 private:
  struct large {
    std::size_t behind;  ///< so many bytes of the text stand before it
    body content;
  };

  [[nodiscard]] plain_socket::outcome write_once(plain_socket& to, std::size_t most) const;
  void drop_written();
  void return_room();

  std::string& spare_;
  std::string text_;
  std::vector<large> large_;
  std::size_t large_bytes_{0};
  std::size_t written_{0};    ///< of all that is kept, from the front
  std::uint64_t dropped_{0};  ///< bytes before what is kept
};

}  // namespace millrace::network
