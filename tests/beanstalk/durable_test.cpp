#include <algorithm>

#include "beanstalk/server_fixture.hpp"

using namespace millrace;
using testing::server_fixture;

namespace {

/// A slow disk: each command is a batch, and the test decides when it commits. Used on the loop only.
class slow_disk final : public store::store {
 public:
  millrace::store::batch_id append(engine::change_set& changes) override {
    changes.clear();
    return ++newest;
  }
  [[nodiscard]] millrace::store::batch_id durable_up_to() const override { return safe; }
  void set_on_durable(std::function<void()> moved) override { tell = std::move(moved); }
  [[nodiscard]] bool is_persistent() const override { return true; }
  [[nodiscard]] std::string failure() const override { return why; }
  [[nodiscard]] bool short_of_space(std::uint64_t) const override { return full; }
  [[nodiscard]] std::uint64_t backlog_left() const override {
    return (backlog_max - std::min(backlog_max, newest - safe)) * bytes_of_a_command;
  }
  [[nodiscard]] bool lagging() const override { return is_late || !why.empty(); }

  void commit() {
    safe = newest;
    tell();
  }
  void fail() {
    why = "the disk is gone";
    tell();
  }

  millrace::store::batch_id reserve_ids(std::uint64_t) override { return block_takes_a_batch ? ++newest : 0; }

  bool block_takes_a_batch{false};
  millrace::store::batch_id newest{0}, safe{0};
  std::function<void()> tell;
  std::string why;
  bool full{false};
  bool is_late{false};
  millrace::store::batch_id backlog_max{1'000'000};
  static constexpr std::uint64_t bytes_of_a_command = 257;  // the charge of a client for a body of one byte
};

engine::queue_options on_disk() { return {.durability = engine::durability::sync}; }

void declare_memory(server_fixture& fixture) {
  fixture.ask(
      [](auto&, auto& broker) { broker.declare("memory", {.durability = engine::durability::memory}).value(); });
}

/// Until that many puts have been carried out.
void until_puts(server_fixture& fixture, std::uint64_t count) {
  while (fixture.ask([](auto& server, auto&) { return server.counts().command(wire::beanstalk_verb::put).value(); }) !=
         count)
    std::this_thread::yield();
}

}  // namespace

TEST_CASE("a put is acknowledged when it is on disk, and nothing behind it overtakes its answer") {
  slow_disk disk;
  server_fixture fixture{{}, on_disk(), &disk};
  declare_memory(fixture);
  auto client = fixture.client(), other = fixture.client();
  client.send("put 0 0 60 1\r\na\r\nuse memory\r\nput 0 0 60 1\r\nb\r\npeek 1\r\n");
  until_puts(fixture, 2);
  // Others see the job, and are answered where nothing has to be safe.
  SAYS(other, "peek 1\r\nuse memory\r\nput 0 0 60 1\r\nc\r\n", "FOUND 1 1\r\na\r\nUSING memory\r\nINSERTED 3\r\n");
  CHECK(fixture.ask([](auto& server, auto&) { return server.counts().held_bytes; }) > 0);
  fixture.ask([&](auto&, auto&) { disk.commit(); });
  const std::string_view all = "INSERTED 1\r\nUSING memory\r\nINSERTED 2\r\nFOUND 1 1\r\na\r\n";
  CHECK(client.receive_at_least(all.size()) == all);
}

TEST_CASE("an id that a crash could give out again leaves in no reply, not even in that of a reserve") {
  slow_disk disk;
  disk.block_takes_a_batch = true;
  server_fixture fixture{{}, on_disk(), &disk};
  auto client = fixture.client(), other = fixture.client();
  client.send("put 0 0 60 1\r\na\r\n");
  until_puts(fixture, 1);
  other.send("list-tube-used\r\nreserve\r\nlist-tube-used\r\n");
  const std::string_view before = "USING default\r\n";
  CHECK(other.receive_at_least(before.size()) == before);
  fixture.ask([&](auto&, auto&) { disk.commit(); });
  const std::string_view rest = "RESERVED 1 1\r\na\r\nUSING default\r\n";
  CHECK(other.receive_at_least(rest.size()) == rest);
  CHECK(client.receive_at_least(12) == "INSERTED 1\r\n");
}

TEST_CASE("what stands before the first answer that waits leaves at once") {
  slow_disk disk;
  server_fixture fixture{{}, on_disk(), &disk};
  auto client = fixture.client();
  SAYS(client, "list-tube-used\r\nput 0 0 60 1\r\na\r\n", "USING default\r\n");
  fixture.ask([&](auto&, auto&) { disk.commit(); });
  CHECK(client.receive_at_least(12) == "INSERTED 1\r\n");
}

TEST_CASE("deletes, releases, buries and kicks wait for the disk; reserves do not") {
  slow_disk disk;
  server_fixture fixture{{}, on_disk(), &disk};
  auto client = fixture.client();
  client.send("put 0 0 60 1\r\na\r\n");
  until_puts(fixture, 1);
  fixture.ask([&](auto&, auto&) { disk.commit(); });
  CHECK(client.receive_at_least(12) == "INSERTED 1\r\n");
  SAYS(client, "reserve\r\nbury 1 0\r\nkick 1\r\nreserve\r\nrelease 1 0 0\r\nreserve\r\ndelete 1\r\n",
       "RESERVED 1 1\r\na\r\n");
  while (fixture.ask([](auto& server, auto&) {
    return server.counts().command(wire::beanstalk_verb::delete_job).value();
  }) == 0)
    std::this_thread::yield();
  fixture.ask([&](auto&, auto&) { disk.commit(); });
  const std::string_view rest =
      "BURIED\r\nKICKED 1\r\nRESERVED 1 1\r\na\r\nRELEASED\r\nRESERVED 1 1\r\na\r\nDELETED\r\n";
  CHECK(client.receive_at_least(rest.size()) == rest);
}

TEST_CASE("when the disk fails, clients that wait for it are cut off without an answer; others go on") {
  slow_disk disk;
  server_fixture fixture{{}, on_disk(), &disk};
  auto client = fixture.client(), other = fixture.client();
  client.send("put 0 0 60 1\r\na\r\n");
  until_puts(fixture, 1);
  fixture.ask([&](auto&, auto&) { disk.fail(); });
  CHECK(client.receive_all().empty());
  SAYS(other, "peek 1\r\n", "FOUND 1 1\r\na\r\n");
}

TEST_CASE("a full disk refuses puts before they run, but not puts into memory queues") {
  slow_disk disk;
  server_fixture fixture{{}, on_disk(), &disk};
  declare_memory(fixture);
  auto client = fixture.client();
  fixture.ask([&](auto&, auto&) { disk.full = true; });
  SAYS(client, "put 0 0 60 1\r\na\r\nuse memory\r\nput 0 0 60 1\r\nb\r\n",
       "OUT_OF_MEMORY\r\nUSING memory\r\nINSERTED 1\r\n");
}

TEST_CASE("a client that disconnects while its reply is held is removed, and its put stays") {
  slow_disk disk;
  server_fixture fixture{{}, on_disk(), &disk};
  auto client = fixture.client(), other = fixture.client();
  client.send("put 0 0 60 1\r\na\r\n");
  until_puts(fixture, 1);
  client.reset();
  while (fixture.ask([](auto& server, auto&) { return server.connections().connections; }) != 1)
    std::this_thread::yield();
  fixture.ask([&](auto&, auto&) { disk.commit(); });
  SAYS(other, "peek 1\r\n", "FOUND 1 1\r\na\r\n");
}

TEST_CASE("while the disk is behind, clients are not read, and all is answered in the end") {
  slow_disk disk;
  disk.backlog_max = 10;
  server_fixture fixture{{}, on_disk(), &disk};
  auto client = fixture.client();
  std::string puts, inserted;
  for (int n = 1; n <= 25; ++n) {
    puts += "put 0 0 60 1\r\na\r\n";
    inserted += "INSERTED " + std::to_string(n) + "\r\n";
  }
  client.send(puts);
  // One client alone has half of the limit, and the command with which it has more.
  for (const std::uint64_t carried_out : {6, 12, 18, 24}) {
    until_puts(fixture, carried_out);
    CHECK(fixture.ask([](auto& server, auto&) { return server.counts().unread.active(); }) == 1);
    fixture.ask([&](auto&, auto&) { disk.commit(); });
  }
  until_puts(fixture, 25);
  fixture.ask([&](auto&, auto&) { disk.commit(); });
  CHECK(client.receive_at_least(inserted.size()) == inserted);
  CHECK(fixture.ask([](auto& server, auto&) { return server.counts().unread.active(); }) == 0);
}

TEST_CASE("while one client fills the backlog of a stalled disk, others go on, and a newcomer still has a share") {
  slow_disk disk;
  disk.backlog_max = 30;
  server_fixture fixture{{}, on_disk(), &disk};
  declare_memory(fixture);
  auto flood = fixture.client(), reader = fixture.client(), newcomer = fixture.client();
  flood.send(testing::repeated("put 0 0 60 1\r\na\r\n", 200));
  until_puts(fixture, 16);
  // Memory queues, reserves of durable jobs and statistics wait for nothing.
  for (std::uint64_t id = 1; id <= 10; ++id) {
    const auto job = std::to_string(id), fresh = std::to_string(16 + id);
    SAYS(reader, "use memory\r\nput 0 0 60 1\r\nb\r\nreserve\r\nlist-tube-used\r\n",
         "USING memory\r\nINSERTED " + fresh + "\r\nRESERVED " + job + " 1\r\na\r\nUSING memory\r\n");
  }
  // Durable puts of another client are executed, though the first client floods.
  newcomer.send("put 0 0 60 1\r\nc\r\nput 0 0 60 1\r\nd\r\n");
  until_puts(fixture, 16 + 10 + 2);
  fixture.ask([&](auto&, auto&) { disk.commit(); });
  const std::string_view inserted = "INSERTED 27\r\nINSERTED 28\r\n";
  CHECK(newcomer.receive_at_least(inserted.size()) == inserted);
  while (fixture.ask([&](auto& server, auto&) {
    disk.commit();
    return server.counts().command(wire::beanstalk_verb::put).value();
  }) != 200 + 12)
    std::this_thread::yield();
  fixture.ask([&](auto&, auto&) { disk.commit(); });
}

TEST_CASE("after the disk has failed no durable or relaxed command is acknowledged, and no client hangs") {
  slow_disk disk;
  server_fixture fixture{{}, {.durability = engine::durability::relaxed}, &disk};
  declare_memory(fixture);
  auto client = fixture.client(), other = fixture.client();
  SAYS(client, "put 0 0 60 1\r\na\r\nput 0 0 60 1\r\nb\r\n", "INSERTED 1\r\nINSERTED 2\r\n");
  CHECK(fixture.ask([](auto&, auto& broker) { return broker.acknowledged_not_durable(); }) == 2);
  fixture.ask([&](auto&, auto&) { disk.fail(); });
  client.send("delete 1\r\n");
  CHECK(client.receive_all().empty());
  for (const std::string_view command :
       {"put 0 0 60 1\r\nc\r\n", "reserve-job 2\r\nrelease 2 0 0\r\n", "reserve-job 2\r\nbury 2 0\r\n"}) {
    auto late = fixture.client();
    late.send(command);
    const auto replies = late.receive_all();
    CHECK(replies.find("INSERTED") == std::string::npos);
    CHECK(replies.find("RELEASED") == std::string::npos);
    CHECK(replies.find("BURIED") == std::string::npos);
  }
  SAYS(other, "use memory\r\nput 0 0 60 1\r\nm\r\n", "USING memory\r\nINSERTED 4\r\n");
  CHECK(fixture.ask([](auto&, auto& broker) { return broker.acknowledged_not_durable(); }) == 2);
}

TEST_CASE("a relaxed queue waits like a durable one while its disk is late, and no longer when that has caught up") {
  slow_disk disk;
  server_fixture fixture{{}, {.durability = engine::durability::relaxed}, &disk};
  auto client = fixture.client();
  SAYS(client, "put 0 0 60 1\r\na\r\n", "INSERTED 1\r\n");
  fixture.ask([&](auto&, auto&) { disk.is_late = true; });
  client.send("list-tube-used\r\nput 0 0 60 1\r\nb\r\n");
  until_puts(fixture, 2);
  const std::string_view before = "USING default\r\n";
  CHECK(client.receive_at_least(before.size()) == before);
  fixture.ask([&](auto&, auto&) {
    disk.is_late = false;
    disk.commit();
  });
  CHECK(client.receive_at_least(12) == "INSERTED 2\r\n");
  SAYS(client, "put 0 0 60 1\r\nc\r\n", "INSERTED 3\r\n");
}
