#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/uio.h>
#include <boost/system/error_code.hpp>
#include <millrace/base/body.hpp>

namespace millrace::network {

class plain_socket;

/// Collects what is to be written to one connection: replies are appended, and one write takes them all. Large bodies
/// are not copied but written from where they lie. With nothing to write it holds no memory, since the buffer in which
/// replies are built is lent by the owner of all connections; what is left after a write moves to a buffer of its size.
///
/// Belongs to one connection, on the loop's thread. It has no bound of its own: the caller looks at `bytes()` between
/// two replies.
class outbox {
 public:
  /// A body of at least so many bytes is not copied.
  static constexpr std::size_t large_body_bytes = 16u << 10;

  /// `spare` is the buffer that is lent; it outlives the outbox.
  explicit outbox(std::string& spare) noexcept : spare_{spare} {}

  /// The buffer to which replies are appended.
  [[nodiscard]] std::string& append_buffer();
  /// Appends a body and what follows it.
  void add(const body& content, std::string_view end);

  /// Bytes that were appended and are not written.
  [[nodiscard]] std::size_t bytes() const noexcept { return text_.size() + large_bytes_ - written_; }
  [[nodiscard]] bool empty() const noexcept { return bytes() == 0; }
  /// Memory held for them: capacity that the text has not used included, and a large body whole, although others may
  /// share it.
  [[nodiscard]] std::size_t held_bytes() const noexcept {
    return empty() ? 0 : text_.capacity() + large_bytes_ + large_.capacity() * sizeof(large);
  }
  /// Bytes that were written, and bytes that were appended, since the start: positions in the stream of replies.
  [[nodiscard]] std::uint64_t written_total() const noexcept { return dropped_ + written_; }
  [[nodiscard]] std::uint64_t appended_total() const noexcept { return dropped_ + text_.size() + large_bytes_; }

  static constexpr std::uint64_t all = ~std::uint64_t{0};
  /// Pieces that one write takes.
  static constexpr std::size_t pieces_max = 16;
  struct pieces {
    std::array<iovec, pieces_max> list;
    std::size_t count{0};
    std::size_t bytes{0};  ///< of all pieces
  };
  /// The first bytes that are not written, as far as `pieces_max` pieces go, and nothing behind the position `up_to`.
  /// Valid until the outbox changes.
  void gather(pieces& into, std::uint64_t up_to = all) const;
  /// The first `bytes` of them were written.
  void mark_written(std::size_t bytes);

  /// Writes as much as the system takes now, without waiting, and nothing behind `up_to`. The error is that of a
  /// connection that has ended.
  boost::system::error_code write(plain_socket& to, std::uint64_t up_to = all);
  /// Drops all of it.
  void clear();

 private:
  struct large {
    std::size_t behind;  ///< bytes of the text before it
    body content;
  };

  void drop_written();
  void return_capacity();

  std::string& spare_;
  std::string text_;
  std::vector<large> large_;
  std::size_t large_bytes_{0};
  std::size_t written_{0};    ///< of all that is kept, from the front
  std::uint64_t dropped_{0};  ///< bytes before what is kept
};

}  // namespace millrace::network
