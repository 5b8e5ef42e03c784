#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <boost/system/error_code.hpp>
#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/deadline.hpp>
#include <millrace/loop/event_loop.hpp>

#include "network/listener.hpp"
#include "network/options.hpp"
#include "network/plain_socket.hpp"

namespace millrace::network {

/// An outgoing connection, TCP or Unix. Each operation has an instant until which it may take; what was not done by then is an error
/// (`timed_out`), and the connection is closed, because nobody knows how much of it was done. Errors name the other side and why:
/// `127.0.0.1:11300: Connection refused`.
///
/// Owned by whoever speaks over it; loop thread only, one reader and one writer at a time. A cancelled task's operation throws
/// operation_aborted. Closes when destroyed.
class connection {
 public:
  explicit connection(loop::event_loop& loop);

  /// `where` may name a host; its addresses are tried one after another. It must outlive the call.
  loop::awaitable<result<>> open(const address& where, instant until);

  /// At least one byte. That the other side has closed is an `io` error.
  loop::awaitable<result<std::size_t>> read_some(std::span<char> into, instant until);
  /// All of `bytes`, which must outlive the call.
  loop::awaitable<result<>> write(std::string_view bytes, instant until);
  void close() noexcept;

  [[nodiscard]] bool is_open() const noexcept { return socket_.is_open(); }
  /// For whoever keeps time otherwise. It does not block.
  [[nodiscard]] stream_socket& socket() noexcept { return socket_; }
  /// Out of Asio, for whoever stands in a `readiness`. Until it is given back the connection is closed.
  [[nodiscard]] plain_socket take_out();
  void give_back(plain_socket socket);
  /// The address as it was given.
  [[nodiscard]] const std::string& peer() const noexcept { return peer_; }
  /// What an operation on `socket()` that failed like this means to people.
  [[nodiscard]] error failed(const boost::system::error_code& why) const;

 private:
  class limit;
  loop::awaitable<boost::system::error_code> connect(const address& where);

  loop::event_loop& loop_;
  stream_socket socket_;
  stream_socket::protocol_type protocol_{0, 0};
  std::string peer_;
};

}  // namespace millrace::network
