#include <string>

#include "engine/engine.hpp"
#include "store/data_files.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace std::chrono_literals;
using testing::put_of;
using testing::run_sql;
using testing::scratch_directory;
using testing::store_desk;

namespace {

/// `boot`: the time from 1970 to the start of the steady clock.
store::store_context booted_at(duration boot) {
  store::store_context context;
  context.wall_offset = [boot] { return boot; };
  return context;
}

constexpr duration first_boot = 1'700'000'000s;

/// An engine with the jobs of a store, at the time `now`.
struct restarted {
  restarted(const std::string& data_dir, duration boot, instant at) : now{at} {
    store_desk desk{{.data_dir = data_dir}, booted_at(boot)};
    const auto mark = testing::recover(
        *desk.store,
        {[this](std::string_view name) { return engine.restore_queue(name); },
         [this](engine::kept_job&& job) { engine.restore(std::move(job), now); },
         [this](const auto& pause) { engine.restore_pause(pause.queue, pause.until, pause.length, now); }});
    engine.restore_ids(mark.value());
    engine.end_restoring();
    engine.advance(now);
  }
  session_id worker() {
    const auto worker = engine.open_session();
    engine.watch(worker, "q1").value();
    return worker;
  }
  std::string take() {
    const auto answer = engine.reserve(worker(), engine::lease::ttr, now, now);
    return answer.status == engine::reserve_status::reserved ? std::string{answer.job.content.view()} : "-";
  }
  void pass(duration time) {
    now += time;
    engine.advance(now);
  }

  engine::engine engine;
  instant now;
};

engine::job_put delayed(std::uint64_t id, std::string_view text, instant put_at, duration delay) {
  auto put = put_of(id, text);
  put.state = engine::job_state::delayed;
  put.put_at = put_at;
  put.request.delay = delay;
  put.due = put_at + delay;
  return put;
}

void store_change(const std::string& data_dir, engine::change one) {
  store_desk desk{{.data_dir = data_dir}, booted_at(first_boot)};
  desk.append(std::move(one));
}

}  // namespace

TEST_CASE("a delayed job that became due while the machine was down is ready after the reboot") {
  scratch_directory scratch;
  store_change(scratch.data_dir(), delayed(1, "overdue", instant{1000s}, 8s));
  // Up again two minutes after the put.
  restarted again{scratch.data_dir(), first_boot + 1100s, instant{20s}};
  CHECK(again.engine.look(job_id{1})->state == engine::job_state::ready);
  CHECK(again.engine.look(job_id{1})->put_at == instant{-100s});
  CHECK(again.take() == "overdue");
}

TEST_CASE("a delay goes on across a reboot, and ends when it is due by the wall clock") {
  scratch_directory scratch;
  store_change(scratch.data_dir(), delayed(1, "later", instant{1000s}, 150s));
  restarted again{scratch.data_dir(), first_boot + 1100s, instant{20s}};
  CHECK(again.engine.look(job_id{1})->state == engine::job_state::delayed);
  CHECK(again.engine.look(job_id{1})->due == instant{50s});
  CHECK(again.engine.next_deadline() == instant{50s});
  again.pass(29s);
  CHECK(again.take() == "-");
  again.pass(1s);
  CHECK(again.take() == "later");
}

TEST_CASE("the age and the wait of a job count from its put, across several reboots") {
  scratch_directory scratch;
  auto put = put_of(1, "old");
  put.put_at = instant{1000s};
  store_change(scratch.data_dir(), put);
  for (const auto boot : {1100s, 5000s, 86'400s}) {
    restarted again{scratch.data_dir(), first_boot + boot, instant{10s}};
    const duration old = boot + 10s - 1000s;
    CHECK(age(again.engine.look(job_id{1})->put_at, again.now) == old);
    const auto queue = again.engine.find("q1").value();
    CHECK(age(again.engine.levels(queue).oldest_ready, again.now) == old);
    CHECK(again.take() == "old");
    CHECK(again.engine.timings(queue).wait.sum() == old);
  }
}

TEST_CASE("a job of the future, put before the wall clock was set back, is no younger than new") {
  scratch_directory scratch;
  auto put = put_of(1, "future");
  put.put_at = instant{5000s};
  store_change(scratch.data_dir(), put);
  restarted again{scratch.data_dir(), first_boot, instant{10s}};
  CHECK(age(again.engine.look(job_id{1})->put_at, again.now) == 0s);
  CHECK(again.take() == "future");
  CHECK(again.engine.timings(again.engine.find("q1").value()).wait.sum() == 0s);
}

TEST_CASE("times at the ends of what a row can say do no harm, whatever the wall clock says") {
  scratch_directory scratch;
  testing::fill(scratch.data_dir(), 6);
  run_sql(scratch.data_file(),
          "UPDATE job SET put_at = -9223372036854775808 WHERE id IN (1, 4);"
          "UPDATE job SET put_at = 9223372036854775807 WHERE id IN (2, 5);"
          "UPDATE job SET state = 1, due = -9223372036854775808, delay = 9223372036854775807 WHERE id = 4;"
          "UPDATE job SET state = 1, due = 9223372036854775807, delay = 9223372036854775807 WHERE id = 5;"
          "UPDATE job SET state = 1, due = 9223372036854775806, delay = 1 WHERE id = 6;"
          "UPDATE job SET ttr = 9223372036854775807 WHERE id = 1;"
          "UPDATE queue SET paused_until = -9223372036854775808, paused_for = 9223372036854775807");
  for (const duration boot : {duration::min(), duration{-first_boot}, duration{0}, first_boot, duration::max()}) {
    restarted again{scratch.data_dir(), boot, instant{10s}};
    const auto levels = again.engine.levels(again.engine.find("q1").value());
    CHECK(levels.jobs() == 6);
    CHECK(again.engine.next_deadline() > again.now);
    const auto worker = again.worker();
    for (;;) {
      const auto got = again.engine.reserve(worker, engine::lease::ttr, again.now, again.now);
      if (got.status != engine::reserve_status::reserved) break;
      CHECK(again.engine.touch(worker, got.job.job, again.now));
      CHECK(again.engine.erase(worker, got.job.job, again.now));
    }
  }
}
