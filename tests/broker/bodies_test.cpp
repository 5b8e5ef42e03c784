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

/// Keeps bodies; is safe, and reads, when the test says so.
class body_store final : public store::store {
 public:
  millrace::store::batch_id append(engine::change_set& changes) override {
    for (const auto& one : changes) {
      if (const auto* put = std::get_if<engine::job_put>(&one)) bodies[put->job] = put->request.content;
      if (const auto* gone = std::get_if<engine::job_gone>(&one)) bodies.erase(gone->job);
    }
    changes.clear();
    return ++newest;
  }
  [[nodiscard]] millrace::store::batch_id durable_up_to() const override { return safe; }
  void set_on_durable(std::function<void()> moved) override { tell = std::move(moved); }
  [[nodiscard]] bool is_persistent() const override { return true; }
  [[nodiscard]] bool reads_bodies() const override { return readable; }
  [[nodiscard]] std::uint64_t job_bytes_max() const override { return job_bytes_most; }
  void read_bodies(std::span<const job_id> jobs) override { asked.insert(asked.end(), jobs.begin(), jobs.end()); }
  void set_on_body_read(body_taker came) override { take = std::move(came); }

  std::uint64_t job_bytes_most{UINT64_MAX};

  void commit() {
    safe = newest;
    tell();
  }
  /// Answers all that was asked.
  void read() {
    for (const auto job : std::exchange(asked, {})) {
      const auto found = bodies.find(job);
      if (broken) {
        take(job, error{errc::io, "the disk is broken"});
      } else if (found == bodies.end()) {
        take(job, error{errc::not_found, "no such job"});
      } else {
        take(job, body{found->second});
      }
    }
  }

  std::map<job_id, body> bodies;
  std::vector<job_id> asked;
  bool readable{true};
  bool broken{false};
  millrace::store::batch_id newest{0};
  millrace::store::batch_id safe{0};
  std::function<void()> tell;
  body_taker take;
};

engine::engine_options no_memory() {
  engine::engine_options limits;
  limits.body_memory_max = 0;
  return limits;
}

struct taker final : broker::decision_taker {
  void decided(broker::decision&& decision) noexcept override { told.push_back(std::move(decision.event)); }
  std::vector<engine::event> told;
};

struct has_disk {
  body_store disk;
};

/// A durable queue none of whose bodies may stay in memory.
struct disk_fixture : has_disk, broker_fixture {
  explicit disk_fixture(engine::durability safety = engine::durability::sync)
      : broker_fixture{&disk, no_memory()},
        durable{queue("durable", {.durability = safety})},
        who{watcher("durable")} {}

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
  session_id who;
  taker waits;
};

}  // namespace

TEST_CASE("a body leaves memory when its batch is safe, not before, whatever anybody waits for") {
  for (const auto safety : {engine::durability::sync, engine::durability::relaxed}) {
    disk_fixture at{safety};
    const auto job = at.put(at.durable, "a").job;
    CHECK_FALSE(at.on_disk_only(job));
    at.disk.commit();
    CHECK(at.on_disk_only(job));
  }
}

TEST_CASE("a store that cannot read bodies keeps them all in memory") {
  body_store unreadable;
  unreadable.readable = false;
  broker_fixture at{&unreadable, no_memory()};
  const auto job = at.put(at.queue("durable", {.durability = engine::durability::sync}), "a").job;
  unreadable.commit();
  CHECK_FALSE(at.broker.engine().look(job)->content_on_disk);
}

TEST_CASE("a reserve is granted when the body has been read") {
  disk_fixture at;
  const auto job = at.put_safely("a");
  SECTION("to a taker") {
    CHECK(at.broker.reserve(at.who, engine::lease::ttr, at.loop.now(), at.waits).answer.status ==
          engine::reserve_status::waiting);
    CHECK(at.disk.asked == std::vector{job});
    CHECK(at.waits.told.empty());
    at.disk.read();
    REQUIRE(at.waits.told.size() == 1);
    CHECK(at.waits.told[0].type == engine::event::kind::granted);
    CHECK(at.waits.told[0].job.content.view() == "a");
  }
  SECTION("to a taker that wants this very job") {
    CHECK(at.broker.reserve_job(at.who, job, at.waits).answer.status == engine::reserve_status::waiting);
    at.disk.read();
    REQUIRE(at.waits.told.size() == 1);
    CHECK(at.waits.told[0].job.content.view() == "a");
  }
  SECTION("to a coroutine") {
    broker_fixture::answer answer;
    at.reserve(at.who, answer);
    at.loop.run_ready();
    CHECK_FALSE(answer.taken);
    at.disk.read();
    at.loop.run_ready();
    REQUIRE(answer.taken);
    CHECK(answer.taken->job.content.view() == "a");
  }
}

TEST_CASE("a coroutine cancelled while its body is on the way gives the job back") {
  disk_fixture at;
  at.put_safely("a");
  broker_fixture::answer answer;
  const auto task = at.reserve(at.who, answer);
  at.loop.run_ready();
  CHECK(at.levels(at.durable).reserved == 1);
  at.loop.cancel(task);
  at.loop.run_ready();
  CHECK(answer.aborted);
  CHECK(at.levels(at.durable).ready == 1);
  at.disk.read();
  CHECK(at.broker.try_reserve(at.who, engine::lease::ttr).answer.job.content.view() == "a");
}

TEST_CASE("who only looks is shown the body, many by one reading") {
  disk_fixture at;
  const auto job = at.put_safely("a");
  taker first, second;
  at.peek(at.who, job, first);
  at.peek(at.watcher("durable"), job, second);
  CHECK(at.disk.asked == std::vector{job});
  at.disk.read();
  for (const auto* const one : {&first, &second}) {
    REQUIRE(one->told.size() == 1);
    CHECK(one->told[0].type == engine::event::kind::shown);
    CHECK(one->told[0].job.job == job);
    CHECK(one->told[0].job.content.view() == "a");
  }
  CHECK(at.levels(at.durable).ready == 1);
}

TEST_CASE("a job that has ended while somebody waits to look at it is not found") {
  disk_fixture at;
  const auto job = at.put_safely("a");
  at.peek(at.who, job, at.waits);
  REQUIRE(at.broker.erase(at.producer, job).answer);
  at.disk.read();
  REQUIRE(at.waits.told.size() == 1);
  CHECK(at.waits.told[0].type == engine::event::kind::not_found);
}

TEST_CASE("who looks no more is told nothing") {
  disk_fixture at;
  const auto job = at.put_safely("a");
  at.peek(at.who, job, at.waits);
  SECTION("it withdraws") { at.broker.withdraw(at.who); }
  SECTION("it goes") { REQUIRE(at.broker.try_close_session(at.who)); }
  at.disk.read();
  CHECK(at.waits.told.empty());
}

TEST_CASE("a body that cannot be read buries the job of who reserved it, and tells who looks that there is none") {
  disk_fixture at;
  const auto job = at.put_safely("a");
  at.disk.broken = true;
  taker looks;
  at.peek(at.producer, job, looks);
  at.disk.read();
  REQUIRE(looks.told.size() == 1);
  CHECK(looks.told[0].type == engine::event::kind::not_found);
  CHECK(at.levels(at.durable).ready == 1);

  static_cast<void>(at.broker.reserve(at.who, engine::lease::ttr, never, at.waits));
  at.disk.read();
  CHECK(at.waits.told.empty());
  CHECK(at.levels(at.durable).buried == 1);
  at.disk.broken = false;
  REQUIRE(at.broker.kick_job(job).answer);
  at.disk.read();
  REQUIRE(at.waits.told.size() == 1);
  CHECK(at.waits.told[0].job.content.view() == "a");
}

TEST_CASE("what was kept of a queue ends on disk too, when that lives in memory now") {
  body_store disk;
  disk.bodies[job_id{7}] = body{"old"};
  broker_fixture at{&disk};
  const auto queue = at.queue("fast", {.durability = engine::durability::memory});
  engine::kept_job kept;
  kept.job = job_id{7};
  kept.queue = queue;
  kept.request.content = body{"old"};
  at.broker.begin_restore().restore(std::move(kept), at.loop.now());
  at.broker.end_restore(7);
  at.put(queue, "new");
  CHECK(disk.bodies.size() == 1);
  REQUIRE(at.broker.erase(at.producer, job_id{7}).answer);
  CHECK(disk.bodies.empty());
}

TEST_CASE("a job that comes due while others are being restored waits for the end of that") {
  body_store disk;
  broker_fixture at{&disk};
  const auto queue = at.queue("slow", {.durability = engine::durability::sync});
  engine::kept_job kept;
  kept.job = job_id{7};
  kept.queue = queue;
  kept.state = engine::job_state::delayed;
  kept.due = after(at.loop.now(), seconds{1});
  at.broker.begin_restore().restore(std::move(kept), at.loop.now());
  at.broker.refuse_puts();
  at.loop.advance(seconds{2});
  at.loop.run_ready();
  CHECK(at.levels(queue).delayed == 1);
  at.broker.end_restore(7);
  at.loop.run_ready();
  CHECK(at.levels(queue).ready == 1);
}

TEST_CASE("a job that is larger than the store can write is refused before it is put, as an output too") {
  body_store disk;
  disk.job_bytes_most = 10;
  broker_fixture at{&disk};
  const auto kept = at.queue("kept", {.durability = engine::durability::sync});
  const auto fast = at.queue("fast", {.durability = engine::durability::memory});
  CHECK(at.put(kept, "0123456789").status == engine::put_status::inserted);
  CHECK(at.put(kept, "0123456789a").status == engine::put_status::refused);
  CHECK(at.put(fast, "0123456789a").status == engine::put_status::inserted);
  const auto who = at.watcher("fast");
  const auto taken = at.broker.try_reserve(who, engine::lease::unlimited).answer;
  REQUIRE(taken.status == engine::reserve_status::reserved);
  engine::finish_request done{.job = taken.job.job};
  done.outputs.push_back({kept, {.content = body{"0123456789a"}}});
  const auto answer = at.broker.try_finish(who, std::move(done)).answer;
  CHECK(answer == engine::finish_status::buried);
  CHECK(answer.refusal == engine::reason::too_large);
  const auto too_large = static_cast<std::size_t>(engine::reason::too_large);
  CHECK(at.broker.engine().counts(fast).buried[too_large].value() == 1);
  CHECK(at.levels(kept).ready == 1);
}
