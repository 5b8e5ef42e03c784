#include "network/lingering_close.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <sys/socket.h>
#include <boost/asio/error.hpp>

#include "support/catch.hpp"

using namespace millrace;
using network::lingering_close;

namespace {

std::pair<int, int> new_pair() {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  return {ends[0], ends[1]};
}

/// A server's connection and its client, on a loop whose clock the test moves. Both sides read and write by hand until
/// the server begins to close.
class connection_pair {
 public:
  connection_pair() : connection_pair{new_pair()} {}

  void begin_close() {
    closing_.emplace(loop, sockets_, std::move(server), buffer_, [this] { closed = true; });
    REQUIRE(closing_->begin());
    loop.run_ready();
  }
  void end_close() { closing_->close(); }
  void pass(duration length) { loop.advance(length); }

  /// What the client receives next, or the reason why there is nothing.
  std::string client_receives() {
    char bytes[100];
    const auto [received, failure] = client.receive(bytes);
    if (failure == boost::asio::error::eof) return "(end)";
    if (failure == boost::asio::error::would_block) return "(nothing)";
    return failure ? failure.message() : std::string{bytes, received};
  }
  /// False when the server has closed.
  bool client_sends(std::string_view bytes) { return !client.send(bytes).failure; }

  loop::event_loop loop{loop::clock_kind::manual};
  network::plain_socket client;
  network::plain_socket server;
  bool closed{false};

 private:
  explicit connection_pair(std::pair<int, int> ends) : client{ends.first}, server{ends.second} {}

  network::readiness sockets_{loop};
  std::array<char, 65'536> buffer_{};
  std::optional<lingering_close> closing_;
};

}  // namespace

TEST_CASE("a client that still sends when the server closes receives all replies and the end, and no reset") {
  connection_pair fixture;
  REQUIRE(fixture.client_sends(std::string(50'000, 'x')));
  REQUIRE(fixture.server.send(std::string_view{"reply"}).bytes == 5);
  fixture.begin_close();
  REQUIRE(fixture.client_sends(std::string(50'000, 'x')));
  fixture.loop.run_ready();
  CHECK_FALSE(fixture.closed);
  CHECK(fixture.client_receives() == "reply");
  CHECK(fixture.client_receives() == "(end)");
  fixture.client.close();
  fixture.loop.run_ready();
  CHECK(fixture.closed);
}

TEST_CASE("a closing server reads all that the client has sent, also more than one buffer") {
  connection_pair fixture;
  const std::string half_megabyte(500'000, 'x');
  std::size_t sent = 0;
  fixture.begin_close();
  // A Unix socket holds about 200 KB: the server takes them out, again and again.
  for (int n = 0; n < 10; ++n) {
    sent += fixture.client.send(std::string_view{half_megabyte}).bytes;
    fixture.loop.run_ready();
  }
  CHECK(sent > 1'000'000);
  CHECK(fixture.client_receives() == "(end)");
  CHECK_FALSE(fixture.closed);
}

TEST_CASE("a closing server leaves a client that goes on sending when the time is over") {
  connection_pair fixture;
  fixture.begin_close();
  duration passed{0};
  while (!fixture.closed && passed < 2 * lingering_close::time_max) {
    REQUIRE(fixture.client_sends("more"));
    fixture.loop.run_ready();
    fixture.pass(lingering_close::silence_max / 2);
    passed += lingering_close::silence_max / 2;
  }
  CHECK(passed == lingering_close::time_max);
  CHECK_FALSE(fixture.client_sends("more"));
}

TEST_CASE("a closing server leaves a client that sends more than it discards") {
  connection_pair fixture;
  fixture.begin_close();
  const std::string much(100'000, 'x');
  std::size_t sent = 0;
  while (!fixture.closed && sent < 2 * lingering_close::discarded_bytes_max) {
    sent += fixture.client.send(std::string_view{much}).bytes;
    fixture.loop.run_ready();
  }
  CHECK(fixture.closed);
  CHECK(sent >= lingering_close::discarded_bytes_max);
}

TEST_CASE("a closing server waits a moment for a silent client that has everything") {
  connection_pair fixture;
  fixture.begin_close();
  fixture.pass(lingering_close::silence_max - nanoseconds{1});
  CHECK_FALSE(fixture.closed);
  fixture.pass(nanoseconds{1});
  CHECK(fixture.closed);
}

TEST_CASE("a closing server waits longer for a silent client that has not received everything") {
  connection_pair fixture;
  REQUIRE(fixture.server.send(std::string_view{"reply"}).bytes == 5);
  fixture.begin_close();
  SECTION("until it has") {
    fixture.pass(2 * lingering_close::silence_max);
    CHECK_FALSE(fixture.closed);
    CHECK(fixture.client_receives() == "reply");
    fixture.pass(lingering_close::silence_max);
    CHECK(fixture.closed);
  }
  SECTION("until the time is over, and the reply can be read afterwards") {
    fixture.pass(lingering_close::time_max - nanoseconds{1});
    CHECK_FALSE(fixture.closed);
    fixture.pass(nanoseconds{1});
    CHECK(fixture.closed);
    CHECK(fixture.client_receives() == "reply");
    CHECK(fixture.client_receives() == "(end)");
  }
}

TEST_CASE("a closing server can be cut off, and then announces nothing") {
  connection_pair fixture;
  REQUIRE(fixture.client_sends("more"));
  fixture.begin_close();
  fixture.end_close();
  fixture.pass(hours{1});
  CHECK_FALSE(fixture.closed);
  CHECK_FALSE(fixture.client_sends("more"));
}
