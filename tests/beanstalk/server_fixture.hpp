#pragma once

#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "beanstalk/server.hpp"
#include "broker/broker.hpp"
#include "store/memory_store.hpp"
#include "support/catch.hpp"
#include "support/loop_thread.hpp"
#include "support/raw_client.hpp"

namespace millrace::testing {

/// A server of the protocol on a loop of its own, and clients that write and read bytes.
class server_fixture {
 public:
  explicit server_fixture(beanstalk::session_limits limits = {}, const engine::queue_options& defaults = {},
                          store::store* disk = nullptr)
      : broker_{thread_.loop(), disk == nullptr ? nothing_ : *disk}, server_{thread_.loop(), broker_, limits} {
    broker_.set_queue_defaults(defaults);
    network::listener_options options;
    options.listen_address = network::parse_address("127.0.0.1:0").value();
    server_.open(options).value();
    thread_.start();
  }
  ~server_fixture() { close(); }

  void close(duration patience = seconds{30}) {
    if (std::exchange(closed_, true)) return;
    thread_.end([this, patience] { return end(*this, patience); });
  }

  [[nodiscard]] raw_client client() { return raw_client::to_port(server_.local_address().port); }
  template <class Function>
  auto ask(Function function) {
    return thread_.ask([this, &function] { return function(server_, broker_); });
  }
  /// Of the loop, so far.
  [[nodiscard]] std::uint64_t turns() {
    return thread_.ask([this] { return thread_.loop().counts().turns.value(); });
  }
  void drain() {
    ask([](auto& server, auto&) { server.drain(); });
  }
  /// After `drain`: whether all clients have finished within `patience`.
  bool drained(duration patience) {
    bool is_drained = false;
    thread_.run([this, patience, &is_drained] { return note_drained(server_, patience, is_drained); });
    return is_drained;
  }
  /// Ends all connections, while the loop goes on.
  void close_clients() {
    thread_.run([this] { return server_.close(); });
  }
  /// Until so many sessions wait in a reserve, so their commands have arrived.
  void until_waiting(std::uint32_t count) {
    while (ask([](auto& server, auto&) { return server.counts().waiting; }) != count) std::this_thread::yield();
  }
  /// Until the server does not read a client any more, because of its unread replies.
  void until_unread() {
    while (ask([](auto& server, auto&) { return server.counts().unread.active(); }) == 0) std::this_thread::yield();
  }

 private:
  static loop::awaitable<> note_drained(beanstalk::server& server, duration patience, bool& is_drained) {
    is_drained = co_await server.drained(patience);
  }
  static loop::awaitable<> end(server_fixture& fixture, duration patience) {
    co_await fixture.server_.close(patience);
    fixture.broker_.close();
  }

  loop_thread thread_;
  store::memory_store nothing_;
  broker::broker broker_;
  beanstalk::server server_;
  bool closed_{false};
};

inline std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t n = 0; n < times; ++n) all += text;
  return all;
}

/// Sends, and reads as many bytes as are expected.
inline std::string answer(raw_client& client, std::string_view request, std::size_t bytes) {
  client.send(request);
  return client.receive_at_least(bytes);
}

#define SAYS(client, request, reply) \
  CHECK(millrace::testing::answer(client, request, std::string_view{reply}.size()) == std::string_view{reply})

}  // namespace millrace::testing
