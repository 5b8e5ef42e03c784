#include <string>
#include <string_view>
#include <thread>

#include <sys/socket.h>

#include "beanstalk/server_fixture.hpp"

using namespace millrace;
using testing::raw_client;
using testing::repeated;
using testing::server_fixture;

namespace {

constexpr std::string_view request = "list-tube-used\r\n";
constexpr std::string_view reply = "USING default\r\n";
/// So many requests are more than the server reads at once, but fit into the system's buffers.
constexpr std::size_t many = 10'000;

/// Gives all bytes to the system in one call, so that all arrive, even if the test is slow.
void send_at_once(raw_client& client, const std::string& bytes) {
  const int buffer = 1 << 20;
  ::setsockopt(client.descriptor(), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  REQUIRE(::send(client.descriptor(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) ==
          static_cast<ssize_t>(bytes.size()));
}

std::uint32_t connections(server_fixture& fixture) {
  return fixture.ask([](auto& server, auto&) { return server.connections().connections; });
}

}  // namespace

TEST_CASE("a drain answers the executed commands of a client that has sent more, and then ends its connection") {
  server_fixture fixture{{.reply_bytes_max = 100'000}};
  auto client = fixture.client();
  const std::string content(60'000, 'x');
  SAYS(client, "put 0 1000 60 60000\r\n" + content + "\r\n", "INSERTED 1\r\n");
  constexpr std::size_t peeks = 400;
  send_at_once(client, repeated("peek 1\r\n", peeks) + repeated(request, many));
  fixture.until_unread();
  fixture.drain();
  const auto all = client.receive_all();
  CHECK_FALSE(client.was_reset());
  const auto found = repeated("FOUND 1 60000\r\n" + content + "\r\n", peeks);
  REQUIRE(all.size() > found.size());
  CHECK(all.substr(0, found.size()) == found);
  const auto others = std::string_view{all}.substr(found.size());
  CHECK(others == repeated(reply, others.size() / reply.size()));
  CHECK(others.size() < many * reply.size());
}

TEST_CASE("a client that sends commands after a quit gets the replies of those before it, then the end of the stream") {
  server_fixture fixture;
  auto client = fixture.client();
  send_at_once(client, repeated(request, 100) + "quit\r\n" + repeated(request, many));
  CHECK(client.receive_all() == repeated(reply, 100));
  CHECK_FALSE(client.was_reset());
}

TEST_CASE("the jobs of a client that quits are ready at once, although its connection is still open") {
  server_fixture fixture;
  auto worker = fixture.client(), other = fixture.client();
  SAYS(worker, "put 0 0 60 1\r\na\r\nreserve\r\n", "INSERTED 1\r\nRESERVED 1 1\r\na\r\n");
  other.send("reserve\r\n");
  fixture.until_waiting(1);
  worker.send("quit\r\n");
  CHECK(other.receive_at_least(17) == "RESERVED 1 1\r\na\r\n");
  CHECK(worker.receive_all().empty());
}

TEST_CASE("the connection of a client that quits and does not close is closed by the server") {
  server_fixture fixture;
  auto client = fixture.client();
  client.send("quit\r\n");
  while (connections(fixture) != 0) std::this_thread::yield();
  CHECK(client.receive_all().empty());
  CHECK_FALSE(client.was_reset());
}

TEST_CASE("a server that closes does not wait beyond its time limit for a client that goes on sending") {
  server_fixture fixture;
  auto client = fixture.client();
  SAYS(client, request, reply);
  std::thread sender{[&client] {
    while (client.send(request)) std::this_thread::yield();
  }};
  fixture.close(duration::zero());
  sender.join();
}
