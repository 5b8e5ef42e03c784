#include <algorithm>
#include <thread>
#include <vector>

#include "beanstalk/server_fixture.hpp"

using namespace millrace;
using testing::server_fixture;

namespace {

std::uint64_t errors(server_fixture& fixture, std::string_view code) {
  return fixture.ask([code](auto& server, auto&) {
    for (const auto& [error, count] : server.connections().protocol_errors)
      if (error == code) return count.value();
    return std::uint64_t{999};
  });
}

}  // namespace

TEST_CASE("a client that does not read its replies is not read any more, and gets them all when it does") {
  server_fixture fixture{{.job_bytes_max = 100'000, .reply_bytes_max = 200'000}};
  auto client = fixture.client();
  const std::string content(100'000, 'x');
  SAYS(client, "put 0 0 60 100000\r\n" + content + "\r\n", "INSERTED 1\r\n");
  constexpr std::size_t times = 400;
  CHECK(client.send(testing::repeated("peek 1\r\n", times)));
  // The system's own buffers hold some megabytes; it has to stand still before all is answered.
  fixture.until_unread();
  const auto peeked =
      fixture.ask([](auto& server, auto&) { return server.counts().command(wire::beanstalk_verb::peek).value(); });
  CHECK(peeked < times);
  auto other = fixture.client();
  SAYS(other, "list-tube-used\r\n", "USING default\r\n");
  const std::string reply = "FOUND 1 100000\r\n" + content + "\r\n";
  const auto all = client.receive_at_least(times * reply.size());
  REQUIRE(all.size() == times * reply.size());
  for (std::size_t n = 0; n < times; ++n) CHECK(all.compare(n * reply.size(), reply.size(), reply) == 0);
  SAYS(client, "list-tube-used\r\n", "USING default\r\n");
  CHECK(fixture.ask([](auto& server, auto&) { return server.counts().unread.active(); }) == 0);
}

TEST_CASE("a client that does not read and goes is noticed") {
  server_fixture fixture{{.job_bytes_max = 100'000, .reply_bytes_max = 100'000}};
  auto client = fixture.client();
  SAYS(client, "put 0 0 60 100000\r\n" + std::string(100'000, 'x') + "\r\n", "INSERTED 1\r\n");
  client.send(testing::repeated("peek 1\r\n", 400));
  fixture.until_unread();
  client.reset();
  while (fixture.ask([](auto& server, auto&) { return server.connections().connections; }) != 0)
    std::this_thread::yield();
  CHECK(fixture.ask([](auto& server, auto&) { return server.counts().unread.active(); }) == 0);
}

TEST_CASE("behind a command that waits only so much is read, and all of it is answered in the end") {
  server_fixture fixture{{.input_bytes_max = 1'000}};
  auto worker = fixture.client();
  constexpr std::size_t times = 200'000;
  const auto behind = testing::repeated("list-tube-used\r\n", times);
  std::thread sender{[&] {
    worker.send("reserve\r\n");
    worker.send(behind);
  }};
  fixture.until_waiting(1);
  auto client = fixture.client();
  SAYS(client, "put 0 0 60 0\r\n\r\n", "INSERTED 1\r\n");
  const std::string_view reply = "USING default\r\n";
  const auto all = worker.receive_at_least(16 + times * reply.size());
  sender.join();
  CHECK(all.size() == 16 + times * reply.size());
  CHECK(all.starts_with("RESERVED 1 0\r\n\r\nUSING default\r\n"));
}

TEST_CASE("a reset is noticed while the input behind a reserve is at its limit") {
  server_fixture fixture{{.input_bytes_max = 100}};
  auto worker = fixture.client();
  worker.send("reserve\r\n" + std::string(500, 'x'));
  fixture.until_waiting(1);
  worker.reset();
  fixture.until_waiting(0);
  while (fixture.ask([](auto& server, auto&) { return server.connections().connections; }) != 0)
    std::this_thread::yield();
}

TEST_CASE("a client that connects and says nothing is let go; one that has spoken is not") {
  server_fixture fixture{{.first_command_deadline = milliseconds{50}}};
  auto speaks = fixture.client();
  SAYS(speaks, "list-tube-used\r\n", "USING default\r\n");
  auto slow = fixture.client();
  slow.send("put 0 0 60 4\r\nab");
  auto silent = fixture.client();
  auto half_a_word = fixture.client();
  half_a_word.send("list-tu");
  CHECK(silent.receive_all().empty());
  CHECK(half_a_word.receive_all().empty());
  SAYS(speaks, "list-tube-used\r\n", "USING default\r\n");
  SAYS(slow, "cd\r\n", "INSERTED 1\r\n");
  CHECK(errors(fixture, "silent") == 2);
}

TEST_CASE("a job beyond the limit is refused after its last byte, and the connection stays in step") {
  server_fixture fixture{{.job_bytes_max = 10}};
  auto client = fixture.client();
  SAYS(client, "put 0 0 60 11\r\n12345678901\r\nput 0 0 60 10\r\n1234567890\r\n", "JOB_TOO_BIG\r\nINSERTED 1\r\n");
  CHECK(errors(fixture, "job_too_big") == 1);
}

TEST_CASE("a full queue that rejects answers OUT_OF_MEMORY; one that drops inserts") {
  server_fixture rejects{{}, {.max_jobs = 1, .when_full = engine::overflow::reject}};
  // `default` has the limits that were the defaults when the server opened.
  auto one = rejects.client();
  SAYS(one, "put 0 0 60 1\r\na\r\nput 0 0 60 1\r\nb\r\nlist-tube-used\r\n",
       "INSERTED 1\r\nOUT_OF_MEMORY\r\nUSING default\r\n");
  server_fixture drops{{}, {.max_jobs = 1, .when_full = engine::overflow::drop_oldest}};
  auto other = drops.client();
  SAYS(other, "put 0 0 60 1\r\na\r\nput 0 0 60 1\r\nb\r\npeek 1\r\npeek-ready\r\n",
       "INSERTED 1\r\nINSERTED 2\r\nNOT_FOUND\r\nFOUND 2 1\r\nb\r\n");
}

TEST_CASE("a full queue that blocks holds the reply until it has capacity") {
  server_fixture fixture{{}, {.max_jobs = 1}};
  auto client = fixture.client(), worker = fixture.client();
  client.send("put 0 0 60 1\r\na\r\nput 0 0 60 1\r\nb\r\nlist-tube-used\r\n");
  CHECK(client.receive_at_least(12) == "INSERTED 1\r\n");
  SAYS(worker, "reserve\r\ndelete 1\r\n", "RESERVED 1 1\r\na\r\nDELETED\r\n");
  CHECK(client.receive_at_least(27) == "INSERTED 2\r\nUSING default\r\n");

  client.send("put 0 0 60 1\r\nc\r\n");
  while (fixture.ask([](auto&, auto& broker) { return broker.held_puts().active(); }) == 0) std::this_thread::yield();
  SECTION("a client that half-closes is refused") {
    client.half_close();
    CHECK(client.receive_all() == "OUT_OF_MEMORY\r\n");
  }
  SECTION("a client that disconnects is removed") { client.reset(); }
  SECTION("when the server ends, it is refused") {
    fixture.drain();
    CHECK(client.receive_all() == "DRAINING\r\n");
    return;
  }
  while (fixture.ask([](auto&, auto& broker) { return broker.held_puts().active(); }) != 0) std::this_thread::yield();
  SAYS(worker, "reserve\r\ndelete 2\r\nreserve-with-timeout 0\r\n", "RESERVED 2 1\r\nb\r\nDELETED\r\nTIMED_OUT\r\n");
}

TEST_CASE(
    "the replies of all clients together have a limit: beyond it each gets one at a time, and a list of tubes is "
    "refused") {
  server_fixture fixture{{.job_bytes_max = 100'000, .all_held_bytes_max = 1'000'000}};
  auto greedy = fixture.client(), other = fixture.client();
  const std::string content(100'000, 'x');
  SAYS(other, "put 0 0 60 100000\r\n" + content + "\r\n", "INSERTED 1\r\n");
  std::vector<testing::raw_client> clients;
  const auto peeks = testing::repeated("peek 1\r\n", 100);
  const auto kept = [&] { return fixture.ask([](auto& server, auto&) { return server.counts().held_bytes; }); };
  while (kept() < 1'000'000) {
    clients.push_back(fixture.client());
    clients.back().send(peeks);
    REQUIRE(clients.size() < 1'000);
  }
  SAYS(other, "peek-ready\r\n", "FOUND 1 100000\r\n" + content + "\r\n");
  SAYS(other, "list-tubes\r\n", "OUT_OF_MEMORY\r\n");
  const std::string reply = "FOUND 1 100000\r\n" + content + "\r\n";
  for (auto& client : clients) CHECK(client.receive_at_least(100 * reply.size()).size() == 100 * reply.size());
  SAYS(other, "list-tubes\r\n", "OK 14\r\n---\n- default\n\r\n");
  CHECK(kept() == 0);
}

TEST_CASE(
    "a client that asks for many long lists and reads none is not read any more, and gets them all when it does") {
  server_fixture fixture{{.reply_bytes_max = 200'000}};
  auto client = fixture.client();
  std::string watches;
  constexpr std::size_t tubes = 900, times = 300;
  for (std::size_t n = 0; n < tubes; ++n)
    watches += "watch " + std::to_string(100'000 + n) + std::string(194, 'x') + "\r\n";
  auto watcher = fixture.client();
  watcher.send(watches);
  for (std::size_t lines = 0; lines < tubes;) {
    const auto some = watcher.receive();
    lines += static_cast<std::size_t>(std::count(some.begin(), some.end(), '\n'));
  }
  client.send(testing::repeated("list-tubes\r\n", times));
  const auto listed = [&] {
    return fixture.ask(
        [](auto& server, auto&) { return server.counts().command(wire::beanstalk_verb::list_tubes).value(); });
  };
  const auto unread = [&] { return fixture.ask([](auto& server, auto&) { return server.counts().unread.active(); }); };
  while (unread() == 0 && listed() < times) std::this_thread::yield();
  CHECK(listed() < times);
  const std::size_t list = std::string_view{"OK 182714\r\n---\n- default\n\r\n"}.size() + tubes * 203;
  // The limit and the reply that exceeds it, in a buffer that doubles when it grows.
  CHECK(fixture.ask([](auto& server, auto&) { return server.counts().held_bytes; }) < 2 * (200'000 + list));
  CHECK(client.receive_at_least(times * list).size() == times * list);
  SAYS(watcher, "list-tube-used\r\n", "USING default\r\n");
  CHECK(fixture.ask([](auto& server, auto&) { return server.counts().held_bytes; }) == 0);
}

TEST_CASE("commands behind one that waits count against the memory held for all clients") {
  server_fixture fixture{{.all_held_bytes_max = 100'000}};
  constexpr std::size_t clients = 20, times = 3'000;
  std::string behind = "reserve\r\n";
  for (std::size_t n = 0; n < times; ++n) behind += "list-tube-used\r\n";
  std::vector<testing::raw_client> waiting;
  for (std::size_t n = 0; n < clients; ++n) {
    waiting.push_back(fixture.client());
    waiting.back().send(behind);
  }
  fixture.until_waiting(clients);
  const auto held = [&] { return fixture.ask([](auto& server, auto&) { return server.counts().held_bytes; }); };
  CHECK(held() >= 30'000);
  CHECK(held() < 300'000);
  auto client = fixture.client();
  client.send(testing::repeated("put 0 0 60 0\r\n\r\n", clients));
  for (auto& one : waiting) {
    const auto all = one.receive_at_least(std::string_view{"RESERVED 1 0\r\n\r\n"}.size() + times * 15);
    CHECK(all.ends_with("USING default\r\n"));
  }
  CHECK(client.receive_at_least(clients * 12).size() >= clients * 12);
  CHECK(held() == 0);
}

TEST_CASE("puts that wait for capacity count against the memory held for all clients; beyond it they are refused") {
  server_fixture fixture{{.job_bytes_max = 100'000, .all_held_bytes_max = 250'000}, {.max_jobs = 1}};
  auto worker = fixture.client(), one = fixture.client(), two = fixture.client(), three = fixture.client();
  SAYS(worker, "put 0 0 60 1\r\na\r\n", "INSERTED 1\r\n");
  const std::string put = "put 0 0 60 100000\r\n" + std::string(100'000, 'x') + "\r\n";
  const auto waiting = [&] { return fixture.ask([](auto&, auto& broker) { return broker.held_puts().active(); }); };
  one.send(put);
  two.send(put);
  while (waiting() != 2) std::this_thread::yield();
  SAYS(three, put, "OUT_OF_MEMORY\r\n");
  SAYS(worker, "delete 1\r\n", "DELETED\r\n");
  while (waiting() != 1) std::this_thread::yield();
  three.send(put);
  while (waiting() != 2) std::this_thread::yield();
  one.reset();
  two.reset();
  three.reset();
  while (fixture.ask([](auto& server, auto&) { return server.connections().connections; }) != 1)
    std::this_thread::yield();
  CHECK(fixture.ask([](auto& server, auto&) { return server.counts().held_bytes; }) == 0);
}

TEST_CASE("clients that announce bodies and stall do not use up the memory of others") {
  server_fixture fixture{{.job_bytes_max = 1'000, .all_bodies_bytes_max = 1'000}};
  std::vector<testing::raw_client> stalled;
  for (int n = 0; n < 10; ++n) {
    stalled.push_back(fixture.client());
    SAYS(stalled.back(), "list-tube-used\r\nput 0 0 60 1000\r\nx", "USING default\r\n");
  }
  auto client = fixture.client();
  SAYS(client, "list-tube-used\r\nput 0 0 60 500\r\n", "USING default\r\n");
  SAYS(client, std::string(500, 'y') + "\r\n", "INSERTED 1\r\n");
}

TEST_CASE("bodies that are coming in have a limit together; what comes whole needs none of it") {
  server_fixture fixture{{.job_bytes_max = 1'000, .all_bodies_bytes_max = 1'200}};
  auto one = fixture.client(), two = fixture.client();
  const std::string content(1'000, 'x');
  // The answer comes when all before it in the same piece has been read.
  const auto send_half = [&](testing::raw_client& client) {
    SAYS(client, "list-tube-used\r\nput 0 0 60 1000\r\n" + content.substr(500), "USING default\r\n");
  };
  send_half(one);
  send_half(two);
  SAYS(two, content.substr(500) + "\r\n", "OUT_OF_MEMORY\r\n");
  SAYS(two, "put 0 0 60 1000\r\n" + content + "\r\n", "INSERTED 1\r\n");
  SAYS(one, content.substr(500) + "\r\n", "INSERTED 2\r\n");
  send_half(two);
  SAYS(two, content.substr(500) + "\r\n", "INSERTED 3\r\n");
  SECTION("a client that disconnects gives its memory back") {
    send_half(one);
    one.reset();
    while (fixture.ask([](auto& server, auto&) { return server.connections().connections; }) != 1)
      std::this_thread::yield();
    send_half(two);
    SAYS(two, content.substr(500) + "\r\n", "INSERTED 4\r\n");
  }
}

TEST_CASE("a client that is always ahead of its answers does not make the memory grow") {
  server_fixture fixture;
  auto worker = fixture.client(), client = fixture.client();
  const auto reserves = testing::repeated("reserve\r\n", 1'000);
  for (int n = 0; n < 3; ++n) worker.send(reserves);
  for (int round = 0; round < 20; ++round) {
    client.send(testing::repeated("put 0 0 60 0\r\n\r\n", 1'000));
    for (std::size_t lines = 0; lines < 1'000;) {
      const auto some = client.receive();
      lines += static_cast<std::size_t>(std::count(some.begin(), some.end(), '\n'));
    }
    for (std::size_t lines = 0; lines < 2'000;) {
      const auto some = worker.receive();
      lines += static_cast<std::size_t>(std::count(some.begin(), some.end(), '\n'));
    }
    worker.send(reserves);
  }
  fixture.until_waiting(1);
}
