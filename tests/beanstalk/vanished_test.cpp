#include <algorithm>
#include <thread>

#include "beanstalk/server_fixture.hpp"

using namespace millrace;
using testing::server_fixture;

namespace {

void until_connections(server_fixture& fixture, std::uint32_t count) {
  while (fixture.ask([](auto& server, auto&) { return server.connections().connections; }) != count)
    std::this_thread::yield();
}

/// Sends a reserve and more bytes than the server reads: the rest stays in the system's buffer.
void wait_with_much_behind(server_fixture& fixture, testing::raw_client& worker) {
  worker.send("reserve\r\n");
  fixture.until_waiting(1);
  worker.send(std::string(200'000, 'x'));
}

}  // namespace

TEST_CASE("a reset is noticed behind bytes that are not read") {
  server_fixture fixture{{.input_bytes_max = 100}};
  auto worker = fixture.client();
  wait_with_much_behind(fixture, worker);
  SECTION("without urgent data") {}
  SECTION("also when something urgent came before") { ::send(worker.descriptor(), "!", 1, MSG_OOB | MSG_NOSIGNAL); }
  worker.reset();
  fixture.until_waiting(0);
  until_connections(fixture, 0);
}

TEST_CASE("a server that ends sends all it owes to a client that reads late and says no more") {
  constexpr std::size_t bytes = 100'000;
  server_fixture fixture{{.job_bytes_max = bytes, .reply_bytes_max = bytes}};
  auto client = fixture.client();
  const std::string content(bytes, 'x');
  SAYS(client, "put 0 0 60 100000\r\n" + content + "\r\n", "INSERTED 1\r\n");
  client.send(testing::repeated("peek 1\r\n", 400));
  fixture.until_unread();
  client.half_close();
  // The server does not read the first client any more. An answer to the second one means that the bytes of the first
  // have arrived.
  auto other = fixture.client();
  SAYS(other, "list-tube-used\r\n", "USING default\r\n");
  SECTION("without urgent data") {}
  SECTION("something urgent changes nothing") { ::send(client.descriptor(), "!", 1, MSG_OOB | MSG_NOSIGNAL); }
  fixture.drain();
  CHECK(other.receive_all().empty());
  const std::string reply = "FOUND 1 100000\r\n" + content + "\r\n";
  const auto all = client.receive_all();
  CHECK(all.size() >= reply.size());
  CHECK(all.size() % reply.size() == 0);
}

TEST_CASE("a client that says no more and reads slowly gets every answer") {
  constexpr std::size_t bytes = 100'000, times = 400;
  server_fixture fixture{{.job_bytes_max = bytes, .reply_bytes_max = 2 * bytes}};
  auto client = fixture.client();
  const std::string content(bytes, 'x');
  SAYS(client, "put 0 0 60 100000\r\n" + content + "\r\n", "INSERTED 1\r\n");
  client.send(testing::repeated("peek 1\r\n", times));
  client.half_close();
  fixture.until_unread();
  const std::string reply = "FOUND 1 100000\r\n" + content + "\r\n";
  CHECK(client.receive_all().size() == times * reply.size());
}

TEST_CASE("a close behind unread bytes is noticed: the reserve ends as if its time were over") {
  server_fixture fixture{{.input_bytes_max = 100}};
  auto worker = fixture.client();
  const std::string_view command = "list-tube-used\r\n", reply = "USING default\r\n";
  std::string commands;
  for (int n = 0; n < 1'000; ++n) commands += command;
  worker.send("reserve\r\n");
  fixture.until_waiting(1);
  worker.send(commands);
  // The server has paused this client, so the next bytes stay in the system's buffer. They are few, so that the end of
  // the connection arrives as well.
  for (const auto before = fixture.turns(); fixture.turns() < before + 3;) std::this_thread::yield();
  worker.send(commands);
  SECTION("it reads its answers") {
    worker.half_close();
    const auto all = worker.receive_all();
    CHECK(all.starts_with("TIMED_OUT\r\nUSING default\r\n"));
    CHECK(all.size() == 11 + 2'000 * reply.size());
  }
  SECTION("it has gone") { worker.close(); }
  fixture.until_waiting(0);
  until_connections(fixture, 0);
}

TEST_CASE("what a client sends before and behind something urgent is all answered") {
  server_fixture fixture;
  auto client = fixture.client();
  SAYS(client, "list-tube-used\r\n", "USING default\r\n");
  // While the loop is here it reads nothing, so that all of it lies there in one piece.
  fixture.ask([&](auto&, auto&) {
    client.send("list-tube-used\r\n");
    ::send(client.descriptor(), "!", 1, MSG_OOB | MSG_NOSIGNAL);
    client.send("list-tube-used\r\nwatch a\r\n");
  });
  const std::string_view replies = "USING default\r\nUSING default\r\nWATCHING 2\r\n";
  CHECK(client.receive_at_least(replies.size()) == replies);
}
