#include "network/listener.hpp"

#include <algorithm>
#include <cassert>
#include <exception>
#include <optional>
#include <utility>

#include <netinet/in.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/system_error.hpp>
#include <millrace/loop/deadline.hpp>
#include <millrace/loop/wait_point.hpp>

#include "base/log.hpp"
#include "base/system_message.hpp"
#include "loop/task_scope.hpp"
#include "loop/thrown.hpp"
#include "network/reserve_descriptor.hpp"
#include "network/unix_socket_file.hpp"

namespace millrace::network {

namespace asio = boost::asio;
using boost::system::error_code;
using boost::system::system_error;
using protocol = asio::generic::stream_protocol;
using socket_acceptor = asio::basic_socket_acceptor<protocol, loop::executor>;

void listener_counts::protocol_error(std::string_view code) noexcept {
  for (auto& [known, count] : protocol_errors)
    if (known == code) return count.add();
  assert(false && "the code was not named at the start");
}

namespace {

bool is_out_of_descriptors(const error_code& failure) noexcept {
  return failure.value() == EMFILE || failure.value() == ENFILE;
}

}  // namespace

struct listener::parts {
  parts(loop::event_loop& l, std::string n, service s, service last)
      : loop{l},
        name{std::move(n)},
        serve{std::move(s)},
        last_resort{std::move(last)},
        acceptor{l.get_executor()},
        capacity{l, "connections"},
        tasks{l} {}

  /// One open connection: counted as long as it lives, wherever it is destroyed.
  class presence {
   public:
    explicit presence(parts& at) : at_{&at} { ++at.counts.connections; }
    presence(presence&& other) noexcept : at_{std::exchange(other.at_, nullptr)} {}
    presence& operator=(presence&&) = delete;
    ~presence() {
      if (at_ == nullptr) return;
      --at_->counts.connections;
      at_->capacity.wake_one();
    }

   private:
    parts* at_;
  };

  loop::event_loop& loop;
  std::string name;
  service serve;
  service last_resort;
  socket_acceptor acceptor;
  reserve_descriptor reserve;
  unix_socket_file file;      ///< of a Unix socket
  loop::wait_point capacity;  ///< accepting waits here at the limit
  loop::task_scope tasks;
  listener_counts counts;
  address here;
  std::uint32_t connections_max{0};
  task_id accepting{};
  std::optional<instant> warned_at;

  static loop::awaitable<> accept(parts& self);
  static loop::awaitable<> accept_on_reserve(parts& self);
  static loop::awaitable<> serve_one(parts& self, stream_socket socket, presence here);
  static loop::awaitable<> run(parts& self, const service& handler, stream_socket socket);
  void begin(stream_socket socket);
  void warn(const error_code& failure);
};

listener::listener(loop::event_loop& loop, std::string name, service serve, service last_resort)
    : parts_{std::make_unique<parts>(loop, std::move(name), std::move(serve), std::move(last_resort))} {}

listener::~listener() = default;

result<> listener::open(const listener_options& options) {
  auto socket = bound_socket::bind(options.listen_address);
  if (!socket) return socket.error();
  return open(std::move(*socket), options.connections_max);
}

result<> listener::open(bound_socket socket, std::uint32_t connections_max) {
  auto& p = *parts_;
  assert(!p.acceptor.is_open() && connections_max >= 1);
  const int number_of_protocol = socket.local_address().unix_path.empty() ? IPPROTO_TCP : 0;
  error_code failure;
  p.acceptor.assign(protocol{socket.family(), number_of_protocol}, socket.descriptor(), failure);
  if (failure) return cannot_listen(socket.local_address(), system_message(failure.value()));
  p.here = socket.local_address();
  p.file = socket.file();
  socket.release();
  p.reserve.take();
  p.connections_max = connections_max;
  p.accepting = p.tasks.spawn(p.name + " listener", parts::accept(p));
  return {};
}

loop::awaitable<> listener::parts::accept(parts& self) {
  // Without this Asio hides the error and waits for the next client, although others may wait in the backlog already.
  error_code ignored;
  self.acceptor.set_option(socket_acceptor::enable_connection_aborted{true}, ignored);
  for (;;) {
    while (self.counts.connections >= self.connections_max) co_await self.capacity.wait();
    stream_socket socket{self.loop.get_executor()};
    const auto [failure] = co_await self.acceptor.async_accept(socket, asio::as_tuple(loop::use_awaitable));
    if (!self.acceptor.is_open()) co_return;
    if (!failure) {
      self.begin(std::move(socket));
    } else if (failure != asio::error::connection_aborted) {
      self.counts.accept_errors.add();
      self.warn(failure);
      if (is_out_of_descriptors(failure) && self.reserve.take()) {
        co_await accept_on_reserve(self);
      } else {
        co_await loop::sleep_for(self.loop, accept_pause);
      }
    }
  }
}

/// Serves the next client when the reserve is the only descriptor left.
loop::awaitable<> listener::parts::accept_on_reserve(parts& self) {
  // The failure does not say whether a client waits to be accepted.
  const auto [failure] =
      co_await self.acceptor.async_wait(socket_acceptor::wait_read, asio::as_tuple(loop::use_awaitable));
  if (failure || !self.acceptor.is_open()) co_return;
  stream_socket socket{self.loop.get_executor()};
  error_code refused;
  self.acceptor.non_blocking(true, refused);
  if (!refused) self.acceptor.accept(socket, refused);
  if (!refused) co_return self.begin(std::move(socket));
  if (!is_out_of_descriptors(refused)) co_return;

  self.reserve.give_up();
  self.acceptor.accept(socket, refused);
  if (!refused && self.last_resort) {
    const presence here{self};
    self.counts.opened.add();
    co_await loop::with_timeout(self.loop, run(self, self.last_resort, std::move(socket)),
                                after(self.loop.now(), last_resort_max));
  } else {
    socket.close(refused);
  }
  self.reserve.take();
}

/// A lasting failure is retried ten times a second and logged every `warning_interval`.
void listener::parts::warn(const error_code& failure) {
  const auto now = loop.now();
  if (warned_at && now - *warned_at < warning_interval) return;
  warned_at = now;
  log::warning("accept_failed", "A connection could not be accepted; trying again.",
               {{"address", write_address(here)},
                {"error", system_message(failure.value())},
                {"failures", static_cast<std::int64_t>(counts.accept_errors.value())}});
}

void listener::parts::begin(stream_socket socket) {
  error_code ignored;  // the service notices a client that has closed already
  if (here.unix_path.empty()) {
    socket.set_option(asio::ip::tcp::no_delay{true}, ignored);
    // Finds hosts that vanished without closing, which would be waited for without limit.
    socket.set_option(asio::socket_base::keep_alive{true}, ignored);
  }
  counts.opened.add();
  const auto number = std::to_string(counts.opened.value());
  tasks.spawn(name + "#" + number, serve_one(*this, std::move(socket), presence{*this}));
}

loop::awaitable<> listener::parts::serve_one(parts& self, stream_socket socket, presence) {
  co_await run(self, self.serve, std::move(socket));
}

/// An exception of the service is logged and ends this connection only.
loop::awaitable<> listener::parts::run(parts& self, const service& handler, stream_socket socket) {
  try {
    co_await handler(std::move(socket));
  } catch (const system_error& failure) {
    if (loop::is_cancellation(failure)) throw;
    log::warning("connection_failed", "A connection ended by an error.",
                 {{"listener", self.name}, {"error", failure.what()}});
  } catch (const std::exception& failure) {
    log::error("connection_failed", "A connection ended by an error.",
               {{"listener", self.name}, {"error", failure.what()}});
  }
}

void listener::stop_accepting() {
  auto& p = *parts_;
  if (!p.acceptor.is_open()) return;
  // While the socket is open the kernel gives its inode to no other file.
  p.file.remove();
  error_code ignored;
  p.acceptor.close(ignored);
  p.loop.cancel(p.accepting);
}

loop::awaitable<> listener::close(duration patience) {
  auto& p = *parts_;
  stop_accepting();
  loop::deadline cut{p.loop, [&p] { p.tasks.cancel(); }};
  cut.set(after(p.loop.now(), patience));
  co_await p.tasks.join();
}

const address& listener::local_address() const noexcept { return parts_->here; }
listener_counts& listener::counts() noexcept { return parts_->counts; }
const listener_counts& listener::counts() const noexcept { return parts_->counts; }

}  // namespace millrace::network
