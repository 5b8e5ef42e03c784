#include "network/connection.hpp"

#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

namespace millrace::network {

namespace asio = boost::asio;
using boost::system::error_code;
using protocol = asio::generic::stream_protocol;

/// While it exists, the operation in progress ends at `until`.
class connection::limit {
 public:
  limit(connection& limited, instant until) : connection_{limited}, cut_{limited.loop_, [this] { expire(); }} {
    if (until != never) cut_.set(until);
  }

  /// The result of the operation. Throws when the task was cancelled.
  [[nodiscard]] result<> judge(const error_code& failure) {
    cut_.clear();
    if (expired_) return error{errc::timed_out, connection_.peer_ + ": no answer in time"};
    if (failure == asio::error::operation_aborted) throw boost::system::system_error{failure};
    if (failure) return connection_.failed(failure);
    return {};
  }

 private:
  void expire() {
    expired_ = true;
    connection_.close();
  }

  connection& connection_;
  loop::deadline cut_;
  bool expired_{false};
};

connection::connection(loop::event_loop& loop) : loop_{loop}, socket_{loop.get_executor()} {}

loop::awaitable<result<>> connection::open(const address& target, instant until) {
  close();
  peer_ = write_address(target);
  limit patience{*this, until};
  const error_code failure = co_await connect(target);
  auto opened = patience.judge(failure);
  if (opened) {
    error_code ignored;  // the first operation notices a peer that has closed already
    if (target.unix_path.empty()) socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
    socket_.non_blocking(true, ignored);
  }
  co_return opened;
}

loop::awaitable<error_code> connection::connect(const address& target) {
  std::vector<protocol::endpoint> candidates;
  error_code failure;
  const std::string host = target.host == "localhost" ? "127.0.0.1" : target.host;
  if (!target.unix_path.empty()) {
    candidates.emplace_back(asio::local::stream_protocol::endpoint{target.unix_path});
  } else if (const auto numbers = asio::ip::make_address(host, failure); !failure) {
    candidates.emplace_back(asio::ip::tcp::endpoint{numbers, target.port});
  } else {
    asio::ip::basic_resolver<asio::ip::tcp, loop::executor> resolver{loop_.get_executor()};
    const std::string port = std::to_string(target.port);
    auto [unknown, found] = co_await resolver.async_resolve(host, port, asio::as_tuple(loop::use_awaitable));
    if (unknown) co_return unknown;
    for (const auto& entry : found) candidates.emplace_back(entry.endpoint());
  }
  failure = asio::error::host_not_found;
  for (const auto& candidate : candidates) {
    error_code ignored;
    socket_.close(ignored);
    protocol_ = candidate.protocol();
    std::tie(failure) = co_await socket_.async_connect(candidate, asio::as_tuple(loop::use_awaitable));
    if (!failure || failure == asio::error::operation_aborted) break;
  }
  co_return failure;
}

loop::awaitable<result<std::size_t>> connection::read_some(std::span<char> into, instant until) {
  limit patience{*this, until};
  const auto bytes = asio::buffer(into.data(), into.size());
  const auto [failure, got] = co_await socket_.async_read_some(bytes, asio::as_tuple(loop::use_awaitable));
  const auto judged = patience.judge(failure);
  if (!judged) {
    close();
    co_return judged.error();
  }
  co_return got;
}

loop::awaitable<result<>> connection::write(std::string_view bytes, instant until) {
  limit patience{*this, until};
  const auto all = asio::buffer(bytes.data(), bytes.size());
  const auto [failure, sent] = co_await asio::async_write(socket_, all, asio::as_tuple(loop::use_awaitable));
  auto judged = patience.judge(failure);
  if (!judged) close();
  co_return judged;
}

plain_socket connection::take_out() { return plain_socket{std::move(socket_)}; }

void connection::give_back(plain_socket socket) {
  error_code ignored;  // if it fails the socket is closed, and the next operation reports that
  socket_.assign(protocol_, socket.descriptor(), ignored);
  if (!ignored) socket.release();
}

void connection::close() noexcept {
  error_code ignored;
  socket_.close(ignored);
}

error connection::failed(const error_code& failure) const {
  if (failure == asio::error::eof) return {errc::io, peer_ + ": closed by the other side"};
  if (failure == asio::error::bad_descriptor) return {errc::io, peer_ + ": the connection is closed"};
  return {errc::io, peer_ + ": " + failure.message()};
}

}  // namespace millrace::network
