#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/system/error_code.hpp>
#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/deadline.hpp>
#include <millrace/loop/event_loop.hpp>

#include "network/listener.hpp"
#include "network/options.hpp"
#include "network/plain_socket.hpp"

namespace millrace::network {

using endpoint = boost::asio::generic::stream_protocol::endpoint;

/// An outgoing connection, TCP or Unix. Each operation has a deadline. After it the operation fails with `timed_out`
/// and the connection is closed, because it is unknown how much was done. Errors name the peer and the reason:
/// `127.0.0.1:11300: Connection refused`.
///
/// Owned by its user; loop thread only, one reader and one writer at a time. The operation of a cancelled task throws
/// operation_aborted. Closes when destroyed.
class connection {
 public:
  explicit connection(loop::event_loop& loop);

  /// `target` may name a host; its addresses are tried one after another. It must outlive the call.
  loop::awaitable<result<>> open(const address& target, instant until);
  /// Tries `candidates` one after another. Each has its share of the time that is left. `target` names the peer.
  loop::awaitable<result<>> open(const address& target, std::vector<endpoint> candidates, instant until);

  /// Reads at least one byte. A connection that the peer has closed is an `io` error.
  loop::awaitable<result<std::size_t>> read_some(std::span<char> into, instant until);
  /// The same, but 0 when the peer has closed its side in order. The connection stays open then.
  loop::awaitable<result<std::size_t>> read_some_or_end(std::span<char> into, instant until);
  /// Writes all of `bytes`, which must outlive the call.
  loop::awaitable<result<>> write(std::string_view bytes, instant until);
  void close() noexcept;

  [[nodiscard]] bool is_open() const noexcept { return socket_.is_open(); }
  /// For operations with deadlines of their own. Non-blocking.
  [[nodiscard]] stream_socket& socket() noexcept { return socket_; }
  /// Takes the socket out of Asio, for use with a `readiness`. The connection is closed until it is given back.
  [[nodiscard]] plain_socket take_out();
  void give_back(plain_socket socket);
  /// The address as it was given.
  [[nodiscard]] const std::string& peer() const noexcept { return peer_; }
  /// The error, for people, of an operation on `socket()` that failed with `failure`.
  [[nodiscard]] error failed(const boost::system::error_code& failure) const;

 private:
  class limit;
  loop::awaitable<boost::system::error_code> connect(std::vector<endpoint> candidates, instant until);

  loop::event_loop& loop_;
  stream_socket socket_;
  stream_socket::protocol_type protocol_{0, 0};
  std::string peer_;
};

}  // namespace millrace::network
