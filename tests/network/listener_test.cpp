#include "network/listener.hpp"

#include <filesystem>
#include <stdexcept>
#include <string>

#include <unistd.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <millrace/loop/deadline.hpp>

#include "support/catch.hpp"
#include "support/descriptor_limit.hpp"
#include "support/loop_thread.hpp"
#include "support/raw_client.hpp"

using namespace millrace;
using testing::no_descriptors_left;
using testing::raw_client;

namespace {

/// Gives back each byte; `!` makes it throw. Ends when the client does.
loop::awaitable<> echo(network::stream_socket socket) {
  try {
    char byte{};
    for (;;) {
      co_await boost::asio::async_read(socket, boost::asio::buffer(&byte, 1), loop::use_awaitable);
      if (byte == '!') throw std::runtime_error{"an exclamation mark"};
      co_await boost::asio::async_write(socket, boost::asio::buffer(&byte, 1), loop::use_awaitable);
    }
  } catch (const boost::system::system_error& failure) {
    if (failure.code() == boost::asio::error::operation_aborted) throw;
  }
}

loop::awaitable<> note_keep_alive(network::stream_socket socket, bool& asks) {
  boost::asio::socket_base::keep_alive option;
  socket.get_option(option);
  asks = option.value();
  co_return;
}

network::listener_options options_for(const std::string& address, std::uint32_t connections_max = 1'000) {
  return {network::parse_address(address).value(), connections_max};
}

/// A listener that serves `echo`, on a loop of its own.
class echo_server {
 public:
  explicit echo_server(const network::listener_options& options) {
    opened = server.open(options);
    if (opened) thread.start();
  }
  ~echo_server() { close(seconds{30}); }

  void close(duration patience) {
    if (!opened || closed) return;
    closed = true;
    thread.end([this, patience] { return server.close(patience); });
  }
  [[nodiscard]] std::uint16_t port() const { return server.local_address().port; }
  network::listener_counts counts() {
    return thread.ask([this] { return server.counts(); });
  }

  testing::loop_thread thread;
  network::listener server{thread.loop(), "echo", echo};
  result<> opened;
  bool closed{false};
};

bool echoes(raw_client& client, std::string_view text) {
  return client.send(text) && client.receive_at_least(text.size()) == text;
}

}  // namespace

TEST_CASE("a connection asks from time to time whether the other host is still there") {
  testing::loop_thread thread;
  bool asks = false;
  network::listener server{thread.loop(), "asked", [&asks](network::stream_socket socket) -> loop::awaitable<> {
                             return note_keep_alive(std::move(socket), asks);
                           }};
  REQUIRE(server.open(options_for("127.0.0.1:0")));
  thread.start();
  CHECK(raw_client::to_port(server.local_address().port).receive_all().empty());
  thread.end([&server] { return server.close(seconds{30}); });
  CHECK(asks);
}

TEST_CASE("a listener serves clients at the port that the kernel chose") {
  for (const char* const address : {"127.0.0.1:0", "localhost:0", "0.0.0.0:0"}) {
    echo_server server{options_for(address)};
    REQUIRE(server.opened);
    CHECK(server.port() != 0);
    auto client = raw_client::to_port(server.port());
    CHECK(echoes(client, "hello"));
    CHECK(server.counts().connections == 1);
    CHECK(server.counts().opened.value() == 1);
  }
}

TEST_CASE("a listener serves clients over IPv6") {
  echo_server server{options_for("[::1]:0")};
  if (!server.opened) {
    WARN("this machine has no IPv6: " << server.opened.error().text);
    return;
  }
  auto client = raw_client::to_port_v6(server.port());
  CHECK(echoes(client, "hello"));
}

TEST_CASE("the file of a Unix socket exists while a program listens, and a stale one is replaced") {
  const auto folder = std::filesystem::temp_directory_path() / ("listener_test_" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const auto path = (folder / "socket").string();
  {
    echo_server server{options_for("unix:" + path)};
    REQUIRE(server.opened);
    auto client = raw_client::to_path(path);
    CHECK(echoes(client, "hello"));

    echo_server second{options_for("unix:" + path)};
    REQUIRE_FALSE(second.opened);
    CHECK(second.opened.error().text == "unix:" + path + ": address already in use");
    client.close();
    server.close(seconds{30});
    CHECK_FALSE(std::filesystem::exists(path));
  }
  {
    raw_client left_behind{AF_UNIX};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(left_behind.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  REQUIRE(std::filesystem::exists(path));
  {
    echo_server server{options_for("unix:" + path)};
    REQUIRE(server.opened);
    auto client = raw_client::to_path(path);
    CHECK(echoes(client, "hello"));
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("a listener that stops leaves the file of its successor alone") {
  const auto folder = std::filesystem::temp_directory_path() / ("listener_test_" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const auto path = (folder / "socket").string();
  echo_server old{options_for("unix:" + path)};
  REQUIRE(old.opened);
  std::filesystem::remove(path);
  echo_server successor{options_for("unix:" + path)};
  REQUIRE(successor.opened);
  old.close(seconds{30});
  REQUIRE(std::filesystem::exists(path));
  auto client = raw_client::to_path(path);
  CHECK(echoes(client, "hello"));
  client.close();
  successor.close(seconds{30});
  CHECK_FALSE(std::filesystem::exists(path));
  std::filesystem::remove_all(folder);
}

TEST_CASE("a file that is no socket is never taken away") {
  const auto folder = std::filesystem::temp_directory_path() / ("listener_test_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder / "socket");
  echo_server server{options_for("unix:" + (folder / "socket").string())};
  CHECK_FALSE(server.opened);
  CHECK(std::filesystem::exists(folder / "socket"));
  std::filesystem::remove_all(folder);
}

TEST_CASE("an address that cannot be listened on is named with the reason") {
  echo_server first{options_for("127.0.0.1:0")};
  REQUIRE(first.opened);
  const auto taken = "127.0.0.1:" + std::to_string(first.port());
  echo_server second{options_for(taken)};
  REQUIRE_FALSE(second.opened);
  CHECK(second.opened.error().text == taken + ": address already in use");

  echo_server foreign{options_for("192.0.2.1:0")};
  REQUIRE_FALSE(foreign.opened);
  CHECK(foreign.opened.error().text == "192.0.2.1:0: Cannot assign requested address");

  echo_server unknown{options_for("example.org:80")};
  REQUIRE_FALSE(unknown.opened);
  CHECK(unknown.opened.error().text == "example.org:80: the host is neither an address in numbers nor localhost");

  network::listener_options long_path;
  long_path.listen_address.unix_path = std::string(200, 'x');
  echo_server too_long{long_path};
  REQUIRE_FALSE(too_long.opened);
  CHECK(too_long.opened.error().code == errc::io);
}

TEST_CASE("at the limit of connections, clients wait until one ends") {
  echo_server server{options_for("127.0.0.1:0", 2)};
  auto first = raw_client::to_port(server.port());
  auto second = raw_client::to_port(server.port());
  REQUIRE(echoes(first, "1"));
  REQUIRE(echoes(second, "2"));

  auto third = raw_client::to_port(server.port());
  REQUIRE(third.send("3"));
  REQUIRE(echoes(second, "still served"));
  CHECK(server.counts().connections == 2);
  CHECK(server.counts().opened.value() == 2);

  first.close();
  CHECK(third.receive() == "3");
  CHECK(server.counts().connections == 2);
  CHECK(server.counts().opened.value() == 3);
}

TEST_CASE("an error in one connection ends that one only") {
  echo_server server{options_for("127.0.0.1:0")};
  auto good = raw_client::to_port(server.port());
  auto bad = raw_client::to_port(server.port());
  REQUIRE(echoes(good, "hello"));
  REQUIRE(bad.send("!"));
  CHECK(bad.receive().empty());
  CHECK(echoes(good, "hello"));
}

namespace {

loop::awaitable<> say_goodbye(network::stream_socket socket) {
  co_await boost::asio::async_write(socket, boost::asio::buffer("bye", 3), loop::use_awaitable);
}

}  // namespace

TEST_CASE("without a free descriptor a client is closed at once, and served when there is one") {
  echo_server server{options_for("127.0.0.1:0")};
  raw_client first{AF_INET}, second{AF_INET}, third{AF_INET};
  {
    const no_descriptors_left shortage;
    first.connect_port(server.port());
    CHECK(first.receive().empty());
    second.connect_port(server.port());
    CHECK(second.receive().empty());
  }
  third.connect_port(server.port());
  CHECK(echoes(third, "x"));
  CHECK(server.counts().accept_errors.value() >= 2);
  CHECK(server.counts().connections == 1);
}

TEST_CASE("without a free descriptor nothing is tried again before a client comes") {
  echo_server server{options_for("127.0.0.1:0")};
  auto first = raw_client::to_port(server.port());
  REQUIRE(echoes(first, "x"));
  raw_client second{AF_INET}, third{AF_INET};
  const no_descriptors_left shortage;
  second.connect_port(server.port());
  CHECK(second.receive().empty());
  const auto turns = [&server] {
    return server.thread.ask([&server] { return server.thread.loop().counts().turns.value(); });
  };
  const auto before = turns();
  CHECK(turns() - before < 10);
  third.connect_port(server.port());
  CHECK(third.receive().empty());
  CHECK(echoes(first, "y"));
  CHECK(server.counts().accept_errors.value() < 5);
}

TEST_CASE("without a free descriptor a client is served by the last resort, one after another") {
  testing::loop_thread thread;
  network::listener server{thread.loop(), "echo", echo, say_goodbye};
  REQUIRE(server.open(options_for("127.0.0.1:0")));
  thread.start();
  raw_client first{AF_INET}, second{AF_INET};
  {
    const no_descriptors_left shortage;
    first.connect_port(server.local_address().port);
    second.connect_port(server.local_address().port);
    CHECK(first.receive_all() == "bye");
    CHECK(second.receive_all() == "bye");
  }
  thread.end([&server] { return server.close(seconds{30}); });
  CHECK(server.counts().connections == 0);
}

TEST_CASE("a server that stops accepting lets its connections end") {
  echo_server server{options_for("127.0.0.1:0")};
  auto client = raw_client::to_port(server.port());
  REQUIRE(echoes(client, "hello"));
  server.thread.ask([&server] { server.server.stop_accepting(); });
  CHECK_THROWS(raw_client::to_port(server.port()));
  CHECK(echoes(client, "still here"));
  client.close();
  server.close(hours{1});
  CHECK(server.server.counts().connections == 0);
}

TEST_CASE("closing cancels connections that do not end in time") {
  echo_server server{options_for("127.0.0.1:0")};
  auto client = raw_client::to_port(server.port());
  REQUIRE(echoes(client, "hello"));
  server.close(milliseconds{20});
  CHECK(client.receive().empty());
  CHECK(server.server.counts().connections == 0);
}

TEST_CASE("closing reaches a listener that waits at its limit") {
  echo_server server{options_for("127.0.0.1:0", 1)};
  auto client = raw_client::to_port(server.port());
  REQUIRE(echoes(client, "hello"));
  server.close(duration::zero());
  CHECK(client.receive().empty());
}
