#include <string>
#include <thread>

#include "beanstalk/server_fixture.hpp"

using namespace millrace;
using testing::server_fixture;

namespace {

std::uint32_t connections(server_fixture& fixture) {
  return fixture.ask([](auto& server, auto&) { return server.connections().connections; });
}

std::uint64_t finished(server_fixture& fixture) {
  return fixture.ask([](auto& server, auto&) { return server.counts().finished_in_drain; });
}

std::uint64_t ready(server_fixture& fixture) {
  return fixture.ask([](auto&, auto& broker) { return broker.engine().totals().ready; });
}

}  // namespace

TEST_CASE("a client that holds a job when the daemon drains may finish it; then its connection closes") {
  const std::pair<std::string, std::string> ends[] = {
      {"delete 1\r\n", "DELETED\r\n"}, {"release 1 0 0\r\n", "RELEASED\r\n"}, {"bury 1 0\r\n", "BURIED\r\n"}};
  for (const auto& [command, reply] : ends) {
    INFO(command);
    server_fixture fixture;
    auto worker = fixture.client();
    SAYS(worker, "put 0 0 60 1\r\na\r\nreserve\r\n", "INSERTED 1\r\nRESERVED 1 1\r\na\r\n");
    fixture.drain();
    SAYS(worker, "touch 1\r\nput 0 0 60 1\r\nb\r\n", "TOUCHED\r\nDRAINING\r\n");
    worker.send(command);
    CHECK(worker.receive_all() == reply);
    CHECK(finished(fixture) == 1);
  }
}

TEST_CASE("a client that holds a job when the daemon drains gets no other, and is answered at once") {
  server_fixture fixture;
  auto worker = fixture.client();
  SAYS(worker, "put 0 0 60 1\r\na\r\nput 0 0 60 1\r\nb\r\nreserve\r\n",
       "INSERTED 1\r\nINSERTED 2\r\nRESERVED 1 1\r\na\r\n");
  fixture.drain();
  SAYS(worker, "reserve\r\nreserve-with-timeout 1000\r\nreserve-job 2\r\n", "TIMED_OUT\r\nTIMED_OUT\r\nNOT_FOUND\r\n");
  SAYS(worker, "delete 2\r\npeek 1\r\n", "DELETED\r\nFOUND 1 1\r\na\r\n");
  CHECK(finished(fixture) == 0);
  worker.send("delete 1\r\n");
  CHECK(worker.receive_all() == "DELETED\r\n");
  CHECK(finished(fixture) == 1);
}

TEST_CASE("a client that waits when the daemon drains is answered, and so are the commands behind") {
  server_fixture fixture{{}, {.max_jobs = 1}};
  auto holder = fixture.client(), producer = fixture.client(), worker = fixture.client();
  SAYS(holder, "put 0 0 60 1\r\na\r\nreserve\r\n", "INSERTED 1\r\nRESERVED 1 1\r\na\r\n");
  holder.send("reserve\r\ntouch 1\r\n");
  worker.send("reserve\r\nlist-tube-used\r\nreserve\r\n");
  fixture.until_waiting(2);
  producer.send("put 0 0 60 1\r\nb\r\nlist-tube-used\r\n");
  while (fixture.ask([](auto&, auto& broker) { return broker.held_puts().active(); }) == 0) std::this_thread::yield();
  fixture.drain();
  CHECK(producer.receive_all() == "DRAINING\r\nUSING default\r\n");
  CHECK(worker.receive_all() == "TIMED_OUT\r\nUSING default\r\nTIMED_OUT\r\n");
  CHECK(holder.receive_at_least(20) == "TIMED_OUT\r\nTOUCHED\r\n");
  // During a drain no session gets the released job.
  holder.send("release 1 0 0\r\n");
  CHECK(holder.receive_all() == "RELEASED\r\n");
  CHECK(ready(fixture) == 1);
}

TEST_CASE("a drain ends when the last client has finished its job, and not before") {
  server_fixture fixture;
  auto worker = fixture.client(), idle = fixture.client();
  SAYS(worker, "put 0 0 60 1\r\na\r\nreserve\r\n", "INSERTED 1\r\nRESERVED 1 1\r\na\r\n");
  fixture.drain();
  CHECK(idle.receive_all().empty());
  std::thread client{[&worker] {
    worker.send("delete 1\r\n");
    worker.receive_all();
  }};
  CHECK(fixture.drained(hours{1}));
  client.join();
  fixture.close_clients();
  CHECK(connections(fixture) == 0);
  CHECK(finished(fixture) == 1);
}

TEST_CASE("a drain does not wait for a client whose lease has run out, or that does not read its replies") {
  server_fixture fixture{{.reply_bytes_max = 100'000}};
  auto slow = fixture.client(), deaf = fixture.client();
  SAYS(slow, "put 0 0 1 1\r\na\r\nreserve\r\n", "INSERTED 1\r\nRESERVED 1 1\r\na\r\n");
  SAYS(deaf, "put 0 1000 60 60000\r\n" + std::string(60'000, 'x') + "\r\n", "INSERTED 2\r\n");
  deaf.send(testing::repeated("peek 2\r\n", 400));
  fixture.until_unread();
  fixture.drain();
  CHECK(fixture.drained(hours{1}));
  CHECK(slow.receive_all().empty());
  CHECK(ready(fixture) == 1);
  fixture.close(duration::zero());
}

TEST_CASE("when the time to drain is over, what clients still hold is ready again, and has not been interrupted") {
  server_fixture fixture;
  auto worker = fixture.client();
  SAYS(worker, "put 0 0 60 1\r\na\r\nreserve\r\n", "INSERTED 1\r\nRESERVED 1 1\r\na\r\n");
  fixture.drain();
  CHECK_FALSE(fixture.drained(duration::zero()));
  fixture.close_clients();
  CHECK(worker.receive_all().empty());
  CHECK(ready(fixture) == 1);
  CHECK(finished(fixture) == 0);
  CHECK(fixture.ask([](auto&, auto& broker) { return broker.engine().look(job_id{1})->interruptions; }) == 0);
}
