#include "network/connection.hpp"

#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

#include "network/name_resolver.hpp"

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
  std::vector<endpoint> candidates;
  if (!target.unix_path.empty()) {
    candidates.emplace_back(asio::local::stream_protocol::endpoint{target.unix_path});
  } else {
    name_resolver names{loop_};
    auto resolving = names.resolve(target.host);
    // The deadline of the socket would not end a lookup.
    const auto found = co_await loop::with_timeout(loop_, std::move(resolving), until);
    if (!found) co_return error{errc::timed_out, write_address(target) + ": no address in time"};
    if (!*found) co_return found->error();
    for (const auto& each : **found) candidates.emplace_back(asio::ip::tcp::endpoint{each, target.port});
  }
  auto opening = open(target, std::move(candidates), until);
  co_return co_await std::move(opening);
}

loop::awaitable<result<>> connection::open(const address& target, std::vector<endpoint> candidates, instant until) {
  close();
  peer_ = write_address(target);
  limit patience{*this, until};
  auto connecting = connect(std::move(candidates), until);
  const error_code failure = co_await std::move(connecting);
  auto opened = patience.judge(failure);
  if (opened) {
    error_code ignored;  // the first operation notices a peer that has closed already
    if (target.unix_path.empty()) socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
    socket_.non_blocking(true, ignored);
  }
  co_return opened;
}

loop::awaitable<error_code> connection::connect(std::vector<endpoint> candidates, instant until) {
  error_code failure = asio::error::host_not_found;
  auto left = candidates.size();
  for (const auto& candidate : candidates) {
    error_code ignored;
    socket_.close(ignored);
    protocol_ = candidate.protocol();
    bool is_late = false;
    loop::deadline share{loop_, [this, &is_late] {
                           is_late = true;
                           close();
                         }};
    // For the last one `until` itself is enough.
    if (until != never && left > 1) {
      const auto now = loop_.now();
      share.set(after(now, (until - now) / static_cast<duration::rep>(left)));
    }
    --left;
    std::tie(failure) = co_await socket_.async_connect(candidate, asio::as_tuple(loop::use_awaitable));
    if (is_late) failure = asio::error::timed_out;
    if (!failure || failure == asio::error::operation_aborted) break;
  }
  co_return failure;
}

loop::awaitable<result<std::size_t>> connection::read_some(std::span<char> into, instant until) {
  auto reading = read_some_or_end(into, until);
  auto got = co_await std::move(reading);
  if (got && *got == 0) {
    close();
    co_return failed(asio::error::eof);
  }
  co_return got;
}

loop::awaitable<result<std::size_t>> connection::read_some_or_end(std::span<char> into, instant until) {
  limit patience{*this, until};
  const auto bytes = asio::buffer(into.data(), into.size());
  const auto [failure, got] = co_await socket_.async_read_some(bytes, asio::as_tuple(loop::use_awaitable));
  const auto judged = patience.judge(failure == asio::error::eof ? error_code{} : failure);
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
