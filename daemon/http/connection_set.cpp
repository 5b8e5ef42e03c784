#include "http/connection_set.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <millrace/loop/deadline.hpp>

#include "http/received_request.hpp"
#include "http/refusal.hpp"
#include "http/request_head.hpp"
#include "loop/readable.hpp"

namespace millrace::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace wire = boost::beast::http;
using boost::system::error_code;

namespace {

/// Bytes of the next requests that may be read together with a request.
constexpr std::size_t read_ahead_bytes = 16u << 10;
/// Largest read while the head is incomplete.
constexpr std::size_t head_piece_bytes = 4u << 10;

/// Limits of the steps of a connection that serves only one request.
constexpr duration one_request_deadline = milliseconds{500};
constexpr duration one_linger_deadline = milliseconds{100};

using parser = wire::request_parser<wire::string_body>;

/// One connection. It is a local of `connection_set::serve`. Its coroutines pass references to locals of the caller,
/// because g++ 12 miscompiles some temporaries in an awaited call.
class connection {
 public:
  connection(loop::event_loop& loop, const routes& routes, const connection_limits& limits,
             network::listener_counts* counts, const bool& finishing, network::stream_socket socket)
      : loop_{loop},
        routes_{routes},
        limits_{limits},
        counts_{counts},
        finishing_{finishing},
        socket_{std::move(socket)},
        peer_{network::peer_credentials_of(socket_.native_handle())},
        deadline_{loop, [this] { on_deadline(); }} {}

  loop::awaitable<> run();
  /// Closes the connection if it is idle.
  void finish() {
    if (idle_) close();
  }

 private:
  enum class reading { request, refused, gone };
  enum class keep_connection { yes, no };
  /// Whether a missed deadline is counted as an error of the client.
  enum class lateness { expected, error };

  loop::awaitable<bool> wait_for_bytes();
  loop::awaitable<reading> read(parser& incoming);
  loop::awaitable<bool> read_head(request_head& head, error_code& failure);
  loop::awaitable<bool> write(const response& answer, keep_connection keep);
  template <class Body>
  loop::awaitable<bool> send(wire::response<Body>& message);
  loop::awaitable<> refuse(const refusal& reason);
  loop::awaitable<> linger();

  /// Closes the connection after `time`, unless the deadline is cleared or set again.
  void set_deadline(duration time, lateness meaning) {
    lateness_ = meaning;
    deadline_.set(after(loop_.now(), time));
  }
  void on_deadline() {
    if (lateness_ == lateness::error) count(too_slow);
    close();
  }
  void close() {
    error_code ignored;
    socket_.close(ignored);
  }
  void count(std::string_view code) {
    if (counts_ != nullptr) counts_->protocol_error(code);
  }

  loop::event_loop& loop_;
  const routes& routes_;
  const connection_limits& limits_;
  network::listener_counts* counts_;
  const bool& finishing_;
  network::stream_socket socket_;
  const std::optional<network::peer_credentials> peer_;
  beast::flat_buffer buffer_{limits_.header_bytes_max + read_ahead_bytes};
  loop::deadline deadline_;
  lateness lateness_{lateness::expected};
  bool idle_{false};
  bool is_head_{false};   ///< the current request is HEAD: the answer has no body
  unsigned version_{11};  ///< of the current request
};

loop::awaitable<> connection::run() {
  for (std::uint32_t requests = 1; !finishing_; ++requests) {
    const bool more = co_await wait_for_bytes();
    if (!more) co_return;
    parser incoming;
    const auto got = co_await read(incoming);
    if (got != reading::request) co_return;

    const bool keep = incoming.get().keep_alive() && requests < limits_.requests_max;
    version_ = incoming.get().version();
    is_head_ = incoming.get().method() == wire::verb::head;
    auto received = request_of(incoming.release());
    received.peer = peer_;
    const auto answer = co_await routes_.answer(std::move(received));
    const auto kept = keep && !finishing_ ? keep_connection::yes : keep_connection::no;
    const bool written = co_await write(answer, kept);
    if (!written) co_return;
    if (kept == keep_connection::no) break;
  }
  co_await linger();
}

loop::awaitable<bool> connection::wait_for_bytes() {
  if (buffer_.size() > 0) co_return true;  // the next request came with the last one
  buffer_.shrink_to_fit();                 // an idle connection needs no buffer
  idle_ = true;
  set_deadline(limits_.idle_deadline, lateness::expected);
  error_code failure;
  do {
    co_await socket_.async_wait(network::stream_socket::wait_read, asio::redirect_error(loop::use_awaitable, failure));
  } while (!failure && socket_.is_open() && !loop::is_readable(socket_.native_handle()));
  idle_ = false;
  co_return !failure && socket_.is_open();
}

loop::awaitable<connection::reading> connection::read(parser& incoming) {
  set_deadline(limits_.request_deadline, lateness::error);
  request_head head;
  error_code failure;
  const bool well_formed = co_await read_head(head, failure);
  std::optional<refusal> refused;
  if (!well_formed && !failure) {
    refused = refusal_of(head);
  } else if (!failure) {
    incoming.header_limit(limits_.header_bytes_max);
    incoming.body_limit(limits_.body_bytes_max);
    auto check_chunk = [](std::uint64_t, beast::string_view extension, error_code& error) {
      if (!is_safe_chunk_extension({extension.data(), extension.size()})) error = wire::error::bad_chunk_extension;
    };
    incoming.on_chunk_header(check_chunk);
    const auto [ended, bytes] =
        co_await wire::async_read(socket_, buffer_, incoming, asio::as_tuple(loop::use_awaitable));
    failure = ended;
  }
  deadline_.clear();
  if (!refused) refused = refusal_of(failure);
  if (refused) {
    co_await refuse(*refused);
    co_return reading::refused;
  }
  co_return failure ? reading::gone : reading::request;
}

/// Reads until the buffer begins with a complete head. False if the head is refused or the connection failed.
loop::awaitable<bool> connection::read_head(request_head& head, error_code& failure) {
  for (;;) {
    const auto received = buffer_.data();
    const auto verdict = head.check({static_cast<const char*>(received.data()), received.size()});
    if (verdict != request_head::verdict::incomplete) co_return verdict == request_head::verdict::complete;
    if (received.size() >= limits_.header_bytes_max) {
      failure = wire::error::header_limit;
      co_return false;
    }
    const auto space = buffer_.prepare(std::min(limits_.header_bytes_max + 1 - received.size(), head_piece_bytes));
    const auto [ended, bytes] = co_await socket_.async_read_some(space, asio::as_tuple(loop::use_awaitable));
    buffer_.commit(bytes);
    if (ended) {
      failure = ended == asio::error::eof && received.size() > 0 ? error_code{wire::error::partial_message} : ended;
      co_return false;
    }
  }
}

loop::awaitable<> connection::refuse(const refusal& reason) {
  count(reason.code);
  version_ = 11;
  is_head_ = false;
  const auto answer = routes_.refuse(reason.status, reason.code, reason.message);
  const bool written = co_await write(answer, keep_connection::no);
  if (written) co_await linger();
}

loop::awaitable<bool> connection::write(const response& answer, keep_connection keep) {
  const auto body = answer.body ? std::string_view{*answer.body} : std::string_view{};
  wire::response_header<> header;
  header.result(answer.status);
  header.version(version_);
  header.set(wire::field::content_type, answer.content_type);
  header.set(wire::field::cache_control, "no-store");
  if (!answer.allow.empty()) header.set(wire::field::allow, answer.allow);
  if (!answer.vary.empty()) header.set(wire::field::vary, answer.vary);
  if (!answer.content_encoding.empty()) header.set(wire::field::content_encoding, answer.content_encoding);

  if (is_head_) {
    wire::response<wire::empty_body> message{std::move(header)};
    message.content_length(body.size());
    message.keep_alive(keep == keep_connection::yes);
    co_return co_await send(message);
  }
  wire::response<wire::span_body<const char>> message{std::move(header)};
  message.body() = {body.data(), body.size()};
  message.content_length(body.size());
  message.keep_alive(keep == keep_connection::yes);
  co_return co_await send(message);
}

template <class Body>
loop::awaitable<bool> connection::send(wire::response<Body>& message) {
  set_deadline(limits_.response_deadline, lateness::error);
  const auto [failure, bytes] = co_await wire::async_write(socket_, message, asio::as_tuple(loop::use_awaitable));
  deadline_.clear();
  co_return !failure;
}

/// Shuts down the sending side and discards what the client still sends: closing a socket with unread bytes resets the
/// connection, and the client could lose the answer.
loop::awaitable<> connection::linger() {
  error_code failure;
  socket_.shutdown(network::stream_socket::shutdown_send, failure);
  buffer_.clear();
  set_deadline(limits_.linger_deadline, lateness::expected);
  std::array<char, 4096> dropped;
  while (!failure) {
    const auto [ended, bytes] =
        co_await socket_.async_read_some(asio::buffer(dropped), asio::as_tuple(loop::use_awaitable));
    failure = ended;
  }
}

}  // namespace

struct connection_set::parts {
  loop::event_loop& loop;
  const http::routes& routes;
  connection_limits limits;
  connection_limits limits_of_one;  ///< of a connection that serves only one request
  network::listener_counts* counts{nullptr};
  bool finishing{false};
  std::set<connection*> open;
};

connection_set::connection_set(loop::event_loop& loop, const http::routes& routes, connection_limits limits)
    : parts_{std::make_unique<parts>(parts{loop, routes, limits, limits, nullptr, false, {}})} {
  auto& one = parts_->limits_of_one;
  one.requests_max = 1;
  one.idle_deadline = std::min(limits.idle_deadline, one_request_deadline);
  one.request_deadline = std::min(limits.request_deadline, one_request_deadline);
  one.response_deadline = std::min(limits.response_deadline, one_request_deadline);
  one.linger_deadline = std::min(limits.linger_deadline, one_linger_deadline);
  assert(limits.header_bytes_max >= 256 && limits.requests_max >= 1);
}

connection_set::~connection_set() { assert(parts_->open.empty()); }

void connection_set::count_in(network::listener_counts& counts) {
  for (const auto code : refusal_codes) counts.protocol_errors.emplace_back(code, counter{});
  parts_->counts = &counts;
}

loop::awaitable<> connection_set::serve(network::stream_socket socket) {
  return serve_within(parts_->limits, std::move(socket));
}

loop::awaitable<> connection_set::serve_once(network::stream_socket socket) {
  return serve_within(parts_->limits_of_one, std::move(socket));
}

loop::awaitable<> connection_set::serve_within(const connection_limits& limits, network::stream_socket socket) {
  auto& p = *parts_;
  connection served{p.loop, p.routes, limits, p.counts, p.finishing, std::move(socket)};
  struct registration {
    std::set<connection*>& list;
    connection* member;
    registration(std::set<connection*>& open, connection* added) : list{open}, member{added} { list.insert(member); }
    ~registration() { list.erase(member); }
  } const registered{p.open, &served};
  co_await served.run();
}

void connection_set::finish() {
  parts_->finishing = true;
  for (auto* const open : parts_->open) open->finish();
}

}  // namespace millrace::http
