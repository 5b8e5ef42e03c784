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
  explicit test_listener(network::listener::service serve, const std::string& where = "127.0.0.1:0")
      : listener_{thread.loop(), "test", std::move(serve)} {
    const network::listener_options options{network::parse_address(where).value(), 100};
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

/// Says nothing; ends when the client does.
loop::awaitable<> stay_silent(network::stream_socket socket) {
  char byte{};
  boost::system::error_code gone;
  try {
    for (;;) co_await socket.async_read_some(boost::asio::buffer(&byte, 1), loop::use_awaitable);
  } catch (const boost::system::system_error& failure) {
    if (failure.code() == boost::asio::error::operation_aborted) throw;
  }
}

struct heard {
  result<> opened;
  std::string text;
  std::optional<error> end;
};

/// Connects and reads until something fails.
loop::awaitable<> listen_to(loop::event_loop& loop, const network::address& where, duration patience, heard& into) {
  network::connection line{loop};
  into.opened = co_await line.open(where, loop.now() + patience);
  if (!into.opened) co_return;
  char bytes[16];
  for (;;) {
    const auto got = co_await line.read_some(bytes, loop.now() + patience);
    if (!got) {
      into.end = got.error();
      CHECK_FALSE(line.is_open());
      co_return;
    }
    into.text.append(bytes, *got);
  }
}

heard hear(test_listener& at, const network::address& where, duration patience) {
  heard out;
  at.thread.run([&] { return listen_to(at.thread.loop(), where, patience, out); });
  return out;
}

}  // namespace

TEST_CASE("a connection receives the bytes of its peer, and its close") {
  test_listener greeting{greet_and_go};
  auto where = greeting.address();
  for (const char* const host : {"127.0.0.1", "localhost"}) {
    where.host = host;
    const auto came = hear(greeting, where, hours{1});
    REQUIRE(came.opened);
    CHECK(came.text == "hello");
    REQUIRE(came.end);
    CHECK(*came.end == error{errc::io, network::write_address(where) + ": closed by the other side"});
  }
}

TEST_CASE("a connection reaches a Unix socket") {
  const auto folder = std::filesystem::temp_directory_path() / ("connection_test_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  {
    test_listener greeting{greet_and_go, "unix:" + (folder / "socket").string()};
    CHECK(hear(greeting, greeting.address(), hours{1}).text == "hello");
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("the error of a refused connection names the address and the reason") {
  test_listener other{greet_and_go};
  network::address where;
  {
    testing::loop_thread unused;
    network::listener taken{unused.loop(), "taken", greet_and_go};
    const network::listener_options any{network::parse_address("127.0.0.1:0").value(), 1};
    REQUIRE(taken.open(any));
    where = taken.local_address();
    unused.start();
    unused.end([&taken] { return taken.close(duration::zero()); });
  }
  const auto came = hear(other, where, hours{1});
  REQUIRE_FALSE(came.opened);
  CHECK(came.opened.error() == error{errc::io, network::write_address(where) + ": Connection refused"});

  network::address path;
  path.unix_path = "/nowhere/at/all";
  const auto missing = hear(other, path, hours{1});
  REQUIRE_FALSE(missing.opened);
  CHECK(missing.opened.error().text == "unix:/nowhere/at/all: No such file or directory");
}

TEST_CASE("a peer that sends nothing before the deadline is given up, and the connection is closed") {
  test_listener silent{stay_silent};
  const auto came = hear(silent, silent.address(), milliseconds{20});
  REQUIRE(came.opened);
  REQUIRE(came.end);
  CHECK(came.end->code == errc::timed_out);
  CHECK(came.end->text == network::write_address(silent.address()) + ": no answer in time");
}

namespace {

loop::awaitable<> write_without_end(loop::event_loop& loop, const network::address& where, result<>& into) {
  network::connection line{loop};
  into = co_await line.open(where, never);
  const std::string much(1u << 20, 'x');
  while (into) into = co_await line.write(much, loop.now() + milliseconds{20});
}

/// Takes nothing off its socket until it is cancelled.
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
  const auto where = deaf.address();
  result<> written;
  deaf.thread.run([&] { return write_without_end(deaf.thread.loop(), where, written); });
  REQUIRE_FALSE(written);
  CHECK(written.error().code == errc::timed_out);
}
