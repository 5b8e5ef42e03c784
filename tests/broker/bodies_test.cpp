#include "broker/bodies.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "broker/broker_fixture.hpp"
#include "broker/decision.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::broker_fixture;

namespace {

/// Keeps bodies. The test decides when it commits and when it reads.
class body_store final : public store::store {
 public:
  millrace::store::batch_id append(engine::change_set& changes) override {
    for (const auto& change : changes) {
      if (const auto* put = std::get_if<engine::job_put>(&change)) bodies[put->job] = put->request.content;
      if (const auto* gone = std::get_if<engine::job_gone>(&change)) bodies.erase(gone->job);
    }
    changes.clear();
    return ++newest;
  }
  [[nodiscard]] millrace::store::batch_id durable_up_to() const override { return safe; }
  void set_on_durable(std::function<void()> listener) override { on_durable = std::move(listener); }
  [[nodiscard]] bool is_persistent() const override { return true; }
  [[nodiscard]] bool reads_bodies() const override { return readable; }
  [[nodiscard]] std::uint64_t job_bytes_max() const override { return job_bytes_most; }
  void read_bodies(std::span<const job_id> jobs) override {
    requested.insert(requested.end(), jobs.begin(), jobs.end());
  }
  void set_on_body_read(body_taker taker) override { on_body_read = std::move(taker); }

  std::uint64_t job_bytes_most{UINT64_MAX};

  void commit() {
    safe = newest;
    on_durable();
  }
  /// Answers all requests.
  void read() {
    for (const auto job : std::exchange(requested, {})) {
      const auto found = bodies.find(job);
      if (broken) {
        on_body_read(job, error{errc::io, "the disk is broken"});
      } else if (found == bodies.end()) {
        on_body_read(job, error{errc::not_found, "no such job"});
      } else {
        on_body_read(job, body{found->second});
      }
    }
  }

  std::map<job_id, body> bodies;
  std::vector<job_id> requested;
  bool readable{true};
  bool broken{false};
  millrace::store::batch_id newest{0};
  millrace::store::batch_id safe{0};
  std::function<void()> on_durable;
  body_taker on_body_read;
};

engine::engine_options no_memory() {
  engine::engine_options limits;
  limits.body_memory_max = 0;
  return limits;
}

struct taker final : broker::decision_taker {
  void on_decision(broker::decision&& decision) noexcept override { events.push_back(std::move(decision.event)); }
  std::vector<engine::event> events;
};

struct has_disk {
  body_store disk;
};

/// A durable queue none of whose bodies may stay in memory.
struct disk_fixture : has_disk, broker_fixture {
  explicit disk_fixture(engine::durability safety = engine::durability::sync)
      : broker_fixture{&disk, no_memory()},
        durable{queue("durable", {.durability = safety})},
        client{watching_session("durable")} {}

  job_id put_safely(std::string_view text) {
    const auto job = put(durable, text).job;
    disk.commit();
    return job;
  }
  void peek(session_id session, job_id job, broker::decision_taker& taker) {
    REQUIRE(broker.peek(session, job, taker).answer.status == broker::peek_status::waiting);
  }
  [[nodiscard]] bool on_disk_only(job_id job) const { return broker.engine().look(job)->content_on_disk; }

  queue_id durable;
  session_id client;
  taker waits;
};

}  // namespace

TEST_CASE("a body leaves memory when its batch is safe, not before, whatever anybody waits for") {
  for (const auto safety : {engine::durability::sync, engine::durability::relaxed}) {
    disk_fixture fixture{safety};
    const auto job = fixture.put(fixture.durable, "a").job;
    CHECK_FALSE(fixture.on_disk_only(job));
    fixture.disk.commit();
    CHECK(fixture.on_disk_only(job));
  }
}

TEST_CASE("a store that cannot read bodies keeps them all in memory") {
  body_store unreadable;
  unreadable.readable = false;
  broker_fixture fixture{&unreadable, no_memory()};
  const auto job = fixture.put(fixture.queue("durable", {.durability = engine::durability::sync}), "a").job;
  unreadable.commit();
  CHECK_FALSE(fixture.broker.engine().look(job)->content_on_disk);
}

TEST_CASE("a reserve is granted when the body has been read") {
  disk_fixture fixture;
  const auto job = fixture.put_safely("a");
  SECTION("to a taker") {
    CHECK(fixture.broker.reserve(fixture.client, engine::lease::ttr, fixture.loop.now(), fixture.waits).answer.status ==
          engine::reserve_status::waiting);
    CHECK(fixture.disk.requested == std::vector{job});
    CHECK(fixture.waits.events.empty());
    fixture.disk.read();
    REQUIRE(fixture.waits.events.size() == 1);
    CHECK(fixture.waits.events[0].type == engine::event::kind::granted);
    CHECK(fixture.waits.events[0].job.content.view() == "a");
  }
  SECTION("to a taker that wants this very job") {
    CHECK(fixture.broker.reserve_job(fixture.client, job, fixture.waits).answer.status ==
          engine::reserve_status::waiting);
    fixture.disk.read();
    REQUIRE(fixture.waits.events.size() == 1);
    CHECK(fixture.waits.events[0].job.content.view() == "a");
  }
  SECTION("to a coroutine") {
    broker_fixture::answer answer;
    fixture.reserve(fixture.client, answer);
    fixture.loop.run_ready();
    CHECK_FALSE(answer.reserved);
    fixture.disk.read();
    fixture.loop.run_ready();
    REQUIRE(answer.reserved);
    CHECK(answer.reserved->job.content.view() == "a");
  }
}

TEST_CASE("a coroutine cancelled while its body is on the way gives the job back") {
  disk_fixture fixture;
  fixture.put_safely("a");
  broker_fixture::answer answer;
  const auto task = fixture.reserve(fixture.client, answer);
  fixture.loop.run_ready();
  CHECK(fixture.levels(fixture.durable).reserved == 1);
  fixture.loop.cancel(task);
  fixture.loop.run_ready();
  CHECK(answer.aborted);
  CHECK(fixture.levels(fixture.durable).ready == 1);
  fixture.disk.read();
  CHECK(fixture.broker.try_reserve(fixture.client, engine::lease::ttr).answer.job.content.view() == "a");
}

TEST_CASE("a peek shows the body, and one read serves several peeks") {
  disk_fixture fixture;
  const auto job = fixture.put_safely("a");
  taker first, second;
  fixture.peek(fixture.client, job, first);
  fixture.peek(fixture.watching_session("durable"), job, second);
  CHECK(fixture.disk.requested == std::vector{job});
  fixture.disk.read();
  for (const auto* const taker : {&first, &second}) {
    REQUIRE(taker->events.size() == 1);
    CHECK(taker->events[0].type == engine::event::kind::shown);
    CHECK(taker->events[0].job.job == job);
    CHECK(taker->events[0].job.content.view() == "a");
  }
  CHECK(fixture.levels(fixture.durable).ready == 1);
}

TEST_CASE("a job that has ended while somebody waits to look at it is not found") {
  disk_fixture fixture;
  const auto job = fixture.put_safely("a");
  fixture.peek(fixture.client, job, fixture.waits);
  REQUIRE(fixture.broker.erase(fixture.producer, job).answer);
  fixture.disk.read();
  REQUIRE(fixture.waits.events.size() == 1);
  CHECK(fixture.waits.events[0].type == engine::event::kind::not_found);
}

TEST_CASE("a peek whose session withdraws or closes before the body is read gets no event") {
  disk_fixture fixture;
  const auto job = fixture.put_safely("a");
  fixture.peek(fixture.client, job, fixture.waits);
  SECTION("it withdraws") { fixture.broker.withdraw(fixture.client); }
  SECTION("it goes") { REQUIRE(fixture.broker.try_close_session(fixture.client)); }
  fixture.disk.read();
  CHECK(fixture.waits.events.empty());
}

TEST_CASE("a body that cannot be read buries the job of who reserved it, and tells who looks that there is none") {
  disk_fixture fixture;
  const auto job = fixture.put_safely("a");
  fixture.disk.broken = true;
  taker looks;
  fixture.peek(fixture.producer, job, looks);
  fixture.disk.read();
  REQUIRE(looks.events.size() == 1);
  CHECK(looks.events[0].type == engine::event::kind::not_found);
  CHECK(fixture.levels(fixture.durable).ready == 1);

  static_cast<void>(fixture.broker.reserve(fixture.client, engine::lease::ttr, never, fixture.waits));
  fixture.disk.read();
  CHECK(fixture.waits.events.empty());
  CHECK(fixture.levels(fixture.durable).buried == 1);
  fixture.disk.broken = false;
  REQUIRE(fixture.broker.kick_job(job).answer);
  fixture.disk.read();
  REQUIRE(fixture.waits.events.size() == 1);
  CHECK(fixture.waits.events[0].job.content.view() == "a");
}

TEST_CASE("a job whose body is lost, and a put that is withdrawn, are reported to those who wait for empty queues") {
  disk_fixture fixture;
  fixture.put_safely("a");
  fixture.disk.broken = true;
  int times_left = 0;
  const auto left = fixture.broker.subscribe_job_left([&] { ++times_left; });
  static_cast<void>(fixture.broker.reserve(fixture.client, engine::lease::ttr, never, fixture.waits));
  CHECK(times_left == 0);
  fixture.disk.read();
  CHECK(times_left == 1);
  const auto full = fixture.queue("full", {.max_jobs = 1});
  fixture.put(full, "a");
  REQUIRE(fixture.put(full, "b").status == engine::put_status::waiting);
  CHECK(times_left == 1);
  CHECK(fixture.broker.try_close_session(fixture.producer));
  CHECK(times_left == 2);
}

TEST_CASE("a restored job of a queue that is in memory now is removed from disk when it is deleted") {
  body_store disk;
  disk.bodies[job_id{7}] = body{"old"};
  broker_fixture fixture{&disk};
  const auto queue = fixture.queue("fast", {.durability = engine::durability::memory});
  engine::kept_job kept;
  kept.job = job_id{7};
  kept.queue = queue;
  kept.request.content = body{"old"};
  fixture.broker.begin_restore().restore(std::move(kept), fixture.loop.now());
  fixture.broker.end_restore(7);
  fixture.put(queue, "new");
  CHECK(disk.bodies.size() == 1);
  REQUIRE(fixture.broker.erase(fixture.producer, job_id{7}).answer);
  CHECK(disk.bodies.empty());
}

TEST_CASE("a job that comes due while others are being restored waits for the end of that") {
  body_store disk;
  broker_fixture fixture{&disk};
  const auto queue = fixture.queue("slow", {.durability = engine::durability::sync});
  engine::kept_job kept;
  kept.job = job_id{7};
  kept.queue = queue;
  kept.state = engine::job_state::delayed;
  kept.due = after(fixture.loop.now(), seconds{1});
  fixture.broker.begin_restore().restore(std::move(kept), fixture.loop.now());
  fixture.broker.refuse_puts();
  fixture.loop.advance(seconds{2});
  fixture.loop.run_ready();
  CHECK(fixture.levels(queue).delayed == 1);
  fixture.broker.end_restore(7);
  fixture.loop.run_ready();
  CHECK(fixture.levels(queue).ready == 1);
}

TEST_CASE("a job that is larger than the store can write is refused before it is put, as an output too") {
  body_store disk;
  disk.job_bytes_most = 10;
  broker_fixture fixture{&disk};
  const auto kept = fixture.queue("kept", {.durability = engine::durability::sync});
  const auto fast = fixture.queue("fast", {.durability = engine::durability::memory});
  CHECK(fixture.put(kept, "0123456789").status == engine::put_status::inserted);
  CHECK(fixture.put(kept, "0123456789a").status == engine::put_status::refused);
  CHECK(fixture.put(fast, "0123456789a").status == engine::put_status::inserted);
  const auto session = fixture.watching_session("fast");
  const auto taken = fixture.broker.try_reserve(session, engine::lease::unlimited).answer;
  REQUIRE(taken.status == engine::reserve_status::reserved);
  engine::finish_request done{.job = taken.job.job};
  done.outputs.push_back({kept, {.content = body{"0123456789a"}}});
  const auto answer = fixture.broker.try_finish(session, std::move(done)).answer;
  CHECK(answer == engine::finish_status::buried);
  CHECK(answer.refusal == engine::reason::too_large);
  const auto too_large = static_cast<std::size_t>(engine::reason::too_large);
  CHECK(fixture.broker.engine().counts(fast).buried[too_large].value() == 1);
  CHECK(fixture.levels(kept).ready == 1);
}
