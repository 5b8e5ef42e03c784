#include <algorithm>
#include <thread>

#include "beanstalk/server_fixture.hpp"

using namespace millrace;
using testing::server_fixture;

TEST_CASE("a client puts, reserves and deletes jobs, one command at a time and pipelined") {
  server_fixture fixture;
  auto client = fixture.client();
  SAYS(client, "put 0 0 60 3\r\nabc\r\n", "INSERTED 1\r\n");
  SAYS(client, "reserve\r\n", "RESERVED 1 3\r\nabc\r\n");
  SAYS(client, "delete 1\r\ndelete 1\r\nput 5 0 60 0\r\n\r\nreserve\r\n",
       "DELETED\r\nNOT_FOUND\r\nINSERTED 2\r\nRESERVED 2 0\r\n\r\n");
}

TEST_CASE("a reserve that waits holds back what stands behind it, and all of it is answered in order") {
  server_fixture fixture;
  auto worker = fixture.client();
  worker.send("reserve\r\nlist-tube-used\r\nreserve\r\ndelete 1\r\n");
  fixture.until_waiting(1);
  auto client = fixture.client();
  SAYS(client, "put 0 0 60 1\r\na\r\n", "INSERTED 1\r\n");
  const std::string_view first = "RESERVED 1 1\r\na\r\nUSING default\r\n";
  CHECK(worker.receive_at_least(first.size()) == first);
  SAYS(client, "put 0 0 60 1\r\nb\r\n", "INSERTED 2\r\n");
  const std::string_view second = "RESERVED 2 1\r\nb\r\nDELETED\r\n";
  CHECK(worker.receive_at_least(second.size()) == second);
}

TEST_CASE("more than a turn moves is kicked in turns, and the answer is the sum") {
  server_fixture fixture;
  auto client = fixture.client();
  std::string puts, inserted;
  for (int n = 1; n <= 2'500; ++n) {
    puts += "put 0 100 60 0\r\n\r\n";
    inserted += "INSERTED " + std::to_string(n) + "\r\n";
  }
  SAYS(client, puts, inserted);
  SAYS(client, "kick 2400\r\nlist-tube-used\r\n", "KICKED 2400\r\nUSING default\r\n");
  SAYS(client, "kick 4000000000\r\n", "KICKED 100\r\n");
}

TEST_CASE("many commands that each do much leave others their turns") {
  server_fixture fixture;
  auto client = fixture.client();
  std::string requests;
  std::size_t bytes = 0, turns_least = 0;
  SECTION("kicks") {
    std::string puts;
    constexpr int jobs = 50'000;
    for (int n = 0; n < jobs; ++n) puts += "put 0 1000000 60 0\r\n\r\n";
    std::size_t lines = 0;
    std::thread sender{[&] { client.send(puts); }};
    while (lines < jobs) {
      const auto some = client.receive();
      lines += static_cast<std::size_t>(std::count(some.begin(), some.end(), '\n'));
    }
    sender.join();
    for (int n = 0; n < 100; ++n) requests += "kick 500\r\n";
    bytes = 100 * std::string_view{"KICKED 500\r\n"}.size();
    turns_least = 10;
  }
  SECTION("lists") {
    const std::string_view list = "OK 14\r\n---\n- default\n\r\n";
    for (int n = 0; n < 2'000; ++n) requests += "list-tubes\r\n";
    bytes = 2'000 * list.size();
    turns_least = 13;
  }
  const auto before = fixture.turns();
  const auto all = answer(client, requests, bytes);
  CHECK(fixture.turns() - before >= turns_least);
  CHECK(all.size() == bytes);
}

TEST_CASE("thousands of tubes are listed in slices, all of them") {
  server_fixture fixture;
  auto client = fixture.client();
  std::string watches, watching;
  for (int n = 0; n < 999; ++n) {
    watches += "watch tube-" + std::to_string(n) + "\r\n";
    watching += "WATCHING " + std::to_string(n + 2) + "\r\n";
  }
  SAYS(client, watches, watching);
  auto other = fixture.client();
  SAYS(other, "use more\r\nwatch others\r\n", "USING more\r\nWATCHING 2\r\n");
  std::string chunk = "---\n- default\n";
  for (int n = 0; n < 999; ++n) chunk += "- tube-" + std::to_string(n) + "\n";
  chunk += "- more\n- others\n";
  SAYS(client, "list-tubes\r\nlist-tube-used\r\n",
       "OK " + std::to_string(chunk.size()) + "\r\n" + chunk + "\r\nUSING default\r\n");
}

TEST_CASE("a client that says no more gets TIMED_OUT for each reserve that still waits, and the answers behind it") {
  server_fixture fixture;
  auto client = fixture.client();
  client.send("reserve\r\nlist-tube-used\r\nreserve-with-timeout 100\r\nwatch a\r\n");
  client.half_close();
  CHECK(client.receive_all() == "TIMED_OUT\r\nUSING default\r\nTIMED_OUT\r\nWATCHING 2\r\n");
}

TEST_CASE("the jobs of a client that disconnects, in whichever way, are ready again and were interrupted once") {
  server_fixture fixture;
  auto client = fixture.client();
  SAYS(client, "put 0 0 60 1\r\na\r\nput 0 0 60 1\r\nb\r\n", "INSERTED 1\r\nINSERTED 2\r\n");
  auto one = fixture.client(), two = fixture.client();
  SAYS(one, "reserve\r\n", "RESERVED 1 1\r\na\r\n");
  SAYS(two, "reserve\r\n", "RESERVED 2 1\r\nb\r\n");
  one.reset();
  SAYS(client, "reserve\r\n", "RESERVED 1 1\r\na\r\n");
  two.close();
  SAYS(client, "reserve\r\n", "RESERVED 2 1\r\nb\r\n");
  for (const auto job : {job_id{1}, job_id{2}})
    CHECK(fixture.ask([job](auto&, auto& broker) { return broker.engine().look(job)->interruptions; }) == 1);
}

TEST_CASE("a server that ends sends the replies it owes and closes; a client in a reserve gets TIMED_OUT") {
  server_fixture fixture;
  auto idle = fixture.client(), worker = fixture.client();
  SAYS(idle, "list-tube-used\r\n", "USING default\r\n");
  worker.send("reserve\r\n");
  fixture.until_waiting(1);
  fixture.close();
  CHECK(idle.receive_all().empty());
  CHECK(worker.receive_all() == "TIMED_OUT\r\n");
}

TEST_CASE("a server that refuses puts does all else, and says so") {
  server_fixture fixture;
  auto client = fixture.client();
  SAYS(client, "put 0 0 60 1\r\na\r\n", "INSERTED 1\r\n");
  fixture.ask([](auto& server, auto&) { server.refuse_puts(); });
  SAYS(client, "put 0 0 60 1\r\nb\r\nreserve\r\n", "DRAINING\r\nRESERVED 1 1\r\na\r\n");
  SAYS(client, "put 0 0 60 1\r\nbxx", "EXPECTED_CRLF\r\n");
}
