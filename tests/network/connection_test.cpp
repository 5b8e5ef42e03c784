#include "network/connection.hpp"

#include <filesystem>
#include <optional>
#include <string>

#include <unistd.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <millrace/loop/deadline.hpp>

#include "network/listener.hpp"
#include "support/catch.hpp"
#include "support/loop_thread.hpp"

using namespace millrace;

namespace {

/// A listener on a loop of its own that serves each connection by `serve`.
class test_listener {
 public:
  explicit test_listener(network::listener::service serve, const std::string& address = "127.0.0.1:0")
      : listener_{thread.loop(), "test", std::move(serve)} {
    const network::listener_options options{network::parse_address(address).value(), 100};
    REQUIRE(listener_.open(options));
    thread.start();
  }
  ~test_listener() {
    thread.end([this] { return listener_.close(duration::zero()); });
  }
  [[nodiscard]] network::address address() const { return listener_.local_address(); }

  testing::loop_thread thread;

 private:
  network::listener listener_;
};

loop::awaitable<> greet_and_go(network::stream_socket socket) {
  co_await boost::asio::async_write(socket, boost::asio::buffer("hello", 5), loop::use_awaitable);
}

/// Sends nothing; ends when the client does.
loop::awaitable<> stay_silent(network::stream_socket socket) {
  char byte{};
  boost::system::error_code gone;
  try {
    for (;;) co_await socket.async_read_some(boost::asio::buffer(&byte, 1), loop::use_awaitable);
  } catch (const boost::system::system_error& failure) {
    if (failure.code() == boost::asio::error::operation_aborted) throw;
  }
}

struct conversation {
  result<> opened;
  std::string text;
  std::optional<error> end;
};

/// Connects and reads until the peer closes or the deadline passes.
loop::awaitable<> receive_all(loop::event_loop& loop, const network::address& address, duration patience,
                              conversation& conversation) {
  network::connection connection{loop};
  conversation.opened = co_await connection.open(address, loop.now() + patience);
  if (!conversation.opened) co_return;
  char bytes[16];
  for (;;) {
    const auto received = co_await connection.read_some(bytes, loop.now() + patience);
    if (!received) {
      conversation.end = received.error();
      CHECK_FALSE(connection.is_open());
      co_return;
    }
    conversation.text.append(bytes, *received);
  }
}

conversation receive_from(test_listener& listener, const network::address& address, duration patience) {
  conversation conversation;
  listener.thread.run([&] { return receive_all(listener.thread.loop(), address, patience, conversation); });
  return conversation;
}

}  // namespace

TEST_CASE("a connection receives the bytes of its peer, and its close") {
  test_listener greeting{greet_and_go};
  auto address = greeting.address();
  for (const char* const host : {"127.0.0.1", "localhost"}) {
    address.host = host;
    const auto conversation = receive_from(greeting, address, hours{1});
    REQUIRE(conversation.opened);
    CHECK(conversation.text == "hello");
    REQUIRE(conversation.end);
    CHECK(*conversation.end == error{errc::io, network::write_address(address) + ": closed by the other side"});
  }
}

TEST_CASE("a connection reaches a Unix socket") {
  const auto folder = std::filesystem::temp_directory_path() / ("connection_test_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  {
    test_listener greeting{greet_and_go, "unix:" + (folder / "socket").string()};
    CHECK(receive_from(greeting, greeting.address(), hours{1}).text == "hello");
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("the error of a refused connection names the address and the reason") {
  test_listener other{greet_and_go};
  network::address address;
  {
    testing::loop_thread unused;
    network::listener taken{unused.loop(), "taken", greet_and_go};
    const network::listener_options any{network::parse_address("127.0.0.1:0").value(), 1};
    REQUIRE(taken.open(any));
    address = taken.local_address();
    unused.start();
    unused.end([&taken] { return taken.close(duration::zero()); });
  }
  const auto conversation = receive_from(other, address, hours{1});
  REQUIRE_FALSE(conversation.opened);
  CHECK(conversation.opened.error() == error{errc::io, network::write_address(address) + ": Connection refused"});

  network::address path;
  path.unix_path = "/nowhere/at/all";
  const auto missing = receive_from(other, path, hours{1});
  REQUIRE_FALSE(missing.opened);
  CHECK(missing.opened.error().text == "unix:/nowhere/at/all: No such file or directory");
}

TEST_CASE("a peer that sends nothing before the deadline is given up, and the connection is closed") {
  test_listener silent{stay_silent};
  const auto conversation = receive_from(silent, silent.address(), milliseconds{20});
  REQUIRE(conversation.opened);
  REQUIRE(conversation.end);
  CHECK(conversation.end->code == errc::timed_out);
  CHECK(conversation.end->text == network::write_address(silent.address()) + ": no answer in time");
}

namespace {

loop::awaitable<> write_without_end(loop::event_loop& loop, const network::address& address, result<>& written) {
  network::connection connection{loop};
  written = co_await connection.open(address, never);
  const std::string much(1u << 20, 'x');
  while (written) written = co_await connection.write(much, loop.now() + milliseconds{20});
}

/// Reads nothing until it is cancelled.
loop::awaitable<> never_read(network::stream_socket socket) {
  network::stream_socket kept{std::move(socket)};
  boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                    loop::executor>
      forever{kept.get_executor(), std::chrono::steady_clock::time_point::max()};
  co_await forever.async_wait(loop::use_awaitable);
}

}  // namespace

TEST_CASE("a peer that receives nothing before the deadline is given up as well") {
  test_listener deaf{never_read};
  const auto address = deaf.address();
  result<> written;
  deaf.thread.run([&] { return write_without_end(deaf.thread.loop(), address, written); });
  REQUIRE_FALSE(written);
  CHECK(written.error().code == errc::timed_out);
}
