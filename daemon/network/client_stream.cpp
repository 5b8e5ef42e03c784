#include "network/client_stream.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <boost/asio/ip/tcp.hpp>

namespace millrace::network {

namespace {

/// Plain bytes that are encrypted at once.
constexpr std::size_t encrypted_at_once = std::size_t{64} * 1024;
constexpr std::size_t received_at_once = std::size_t{8} * 1024;

}  // namespace

loop::awaitable<result<>> client_stream::open(const address& target, instant until) {
  session_.reset();
  return connection_.open(target, until);
}

loop::awaitable<result<>> client_stream::open(const address& target, const ip_addresses& candidates,
                                              const tls_context* context, instant until) {
  session_.reset();
  std::vector<endpoint> endpoints;
  for (const auto& each : candidates) endpoints.emplace_back(boost::asio::ip::tcp::endpoint{each, target.port});
  auto opening = connection_.open(target, std::move(endpoints), until);
  auto opened = co_await std::move(opening);
  if (!opened || context == nullptr) co_return opened;
  session_.emplace(*context, target.host);
  auto shaking = shake_hands(until);
  co_return co_await std::move(shaking);
}

loop::awaitable<result<>> client_stream::shake_hands(instant until) {
  for (;;) {
    const auto step = session_->handshake();
    // Also after a failure: the alert tells the peer why.
    auto sending = send_output(until);
    const auto sent = co_await std::move(sending);
    if (!step) co_return failed(step.error());
    if (!sent) co_return sent.error();
    if (*step == tls_session::progress::done) co_return sent;
    auto receiving = receive_input(until);
    const auto received = co_await std::move(receiving);
    if (!received) co_return received.error();
  }
}

loop::awaitable<result<std::size_t>> client_stream::read_some(std::span<char> into, instant until) {
  if (!session_) co_return co_await connection_.read_some_or_end(into, until);
  for (;;) {
    const auto got = session_->read(into);
    if (!got) co_return failed(got.error());
    // Reading may have made an answer: TLS 1.3 asks for new keys at any time.
    auto sending = send_output(until);
    const auto sent = co_await std::move(sending);
    if (!sent) co_return sent.error();
    if (got->step == tls_session::progress::ended) co_return std::size_t{0};
    if (got->step == tls_session::progress::done) co_return got->bytes;
    auto receiving = receive_input(until);
    const auto received = co_await std::move(receiving);
    if (!received) co_return received.error();
  }
}

loop::awaitable<result<>> client_stream::write(std::string_view bytes, instant until) {
  if (!session_) co_return co_await connection_.write(bytes, until);
  result<> sent;
  while (sent && !bytes.empty()) {
    const auto piece = bytes.substr(0, encrypted_at_once);
    bytes.remove_prefix(piece.size());
    if (const auto written = session_->write(piece); !written) co_return failed(written.error());
    auto sending = send_output(until);
    sent = co_await std::move(sending);
  }
  co_return sent;
}

loop::awaitable<result<>> client_stream::send_output(instant until) {
  const auto bytes = session_->take_output();
  result<> sent;
  if (!bytes.empty()) sent = co_await connection_.write(bytes, until);
  co_return sent;
}

loop::awaitable<result<>> client_stream::receive_input(instant until) {
  std::array<char, received_at_once> bytes{};
  auto reading = connection_.read_some_or_end(bytes, until);
  const auto got = co_await std::move(reading);
  result<> received;
  if (!got) {
    received = got.error();
  } else if (*got == 0) {
    session_->end_input();
  } else {
    session_->put_input({bytes.data(), *got});
  }
  co_return received;
}

bool client_stream::is_quiet() {
  if (!connection_.is_open()) return false;
  std::array<char, received_at_once> bytes{};
  const auto received = ::recv(connection_.socket().native_handle(), bytes.data(), bytes.size(),
                               MSG_DONTWAIT | (session_ ? 0 : MSG_PEEK));
  if (received < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
  if (received == 0 || !session_) return false;
  session_->put_input({bytes.data(), static_cast<std::size_t>(received)});
  char unexpected = 0;
  const auto read = session_->read({&unexpected, 1});
  return read && read->step == tls_session::progress::needs_input;
}

error client_stream::failed(const error& failure) {
  connection_.close();
  return {failure.code, peer() + ": " + failure.text};
}

}  // namespace millrace::network
