#include <algorithm>
#include <utility>
#include <vector>

#include "engine/engine_fixture.hpp"
#include "engine/entry_order.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

namespace {

kept_job kept(std::uint64_t id, queue_id queue, std::string_view text, job_state state = job_state::ready) {
  kept_job job;
  job.job = job_id{id};
  job.queue = queue;
  job.state = state;
  job.request.content = body{text};
  return job;
}

}  // namespace

TEST_CASE("jobs come back in their order, with their ids, and new ids are above all of them") {
  engine_fixture fixture;
  const auto queue = fixture.engine.restore_queue("q");
  auto urgent = kept(7, queue, "urgent");
  urgent.request.priority = 1;
  fixture.engine.restore(kept(3, queue, "first"), fixture.now);
  fixture.engine.restore(kept(5, queue, "second"), fixture.now);
  fixture.engine.restore(std::move(urgent), fixture.now);
  fixture.engine.restore_ids(1'000);
  const auto s = fixture.session();
  CHECK(fixture.put(s, "new") == job_id{1'001});
  CHECK(fixture.take_all(s) == "urgent first second new");
  CHECK(fixture.engine.totals().puts.value() == 1);
}

TEST_CASE("a delayed job keeps its due time; one that was due meanwhile is ready") {
  engine_fixture fixture;
  const auto queue = fixture.declare("q", 10);
  auto later = kept(1, queue, "later", job_state::delayed), past = kept(2, queue, "past", job_state::delayed);
  later.request.delay = past.request.delay = 60s;
  later.due = fixture.now + 5s;
  past.due = fixture.now - 5s;
  fixture.engine.restore(std::move(later), fixture.now);
  fixture.engine.restore(std::move(past), fixture.now);
  fixture.engine.advance(fixture.now);
  const auto s = fixture.session();
  CHECK(fixture.take(s) == "past");
  CHECK(fixture.engine.look(job_id{1})->due == fixture.now + 5s);
  CHECK(fixture.engine.next_deadline() <= fixture.now + 5s);
  fixture.pass(5s);
  CHECK(fixture.take(s) == "later");
}

TEST_CASE("a buried job is buried still, with its error and its counts") {
  engine_fixture fixture;
  const auto queue = fixture.engine.restore_queue("q");
  auto job = kept(4, queue, "x", job_state::buried);
  job.tally = {.reserves = 3, .timeouts = 1, .releases = 2, .buries = 1, .kicks = 5, .failures = 4};
  job.error_text = "no";
  job.put_at = fixture.now - 100s;
  fixture.engine.restore(std::move(job), fixture.now);
  const auto facts = fixture.engine.look(job_id{4}).value();
  CHECK(facts.state == job_state::buried);
  CHECK(facts.reserves == 3);
  CHECK(facts.timeouts == 1);
  CHECK(facts.releases == 2);
  CHECK(facts.buries == 1);
  CHECK(facts.kicks == 5);
  CHECK(facts.failures == 4);
  CHECK(facts.error_text == "no");
  CHECK(facts.put_at == fixture.now - 100s);
  CHECK(fixture.engine.kick_job(job_id{4}, fixture.now));
}

TEST_CASE("a pause goes on; a queue that nobody declared goes with its last job") {
  engine_fixture fixture;
  const auto queue = fixture.engine.restore_queue("q");
  fixture.engine.restore(kept(1, queue, "x"), fixture.now);
  fixture.engine.restore_pause(queue, fixture.now + 10s, 60s, fixture.now);
  const auto s = fixture.session();
  CHECK(fixture.take(s) == "-");
  fixture.pass(10s);
  CHECK(fixture.take(s) == "x");
  CHECK(fixture.engine.erase(s, job_id{1}, fixture.now));
  while (!fixture.engine.close_session(s, fixture.now)) {
  }
  CHECK_FALSE(fixture.engine.find("q").has_value());
}

// --- times before the boot ------------------------------------------------------------------------------------------

TEST_CASE("a delayed job whose due time was before the boot is ready at once") {
  engine_fixture fixture;
  fixture.now = instant{5s};  // five seconds after the boot
  const auto queue = fixture.engine.restore_queue("q");
  auto job = kept(1, queue, "overdue", job_state::delayed);
  job.request.delay = 8s;
  job.put_at = instant{-100s};
  job.due = instant{-92s};
  fixture.engine.restore(std::move(job), fixture.now);
  fixture.engine.end_restoring();
  CHECK(fixture.engine.next_deadline() <= fixture.now);
  const auto s = fixture.session();
  CHECK(fixture.take(s) == "overdue");
}

TEST_CASE("a delay that began before the boot and ends after it ends when it is due") {
  engine_fixture fixture;
  fixture.now = instant{5s};
  const auto queue = fixture.engine.restore_queue("q");
  auto job = kept(1, queue, "later", job_state::delayed);
  job.request.delay = 3600s;
  job.put_at = instant{-3590s};
  job.due = instant{10s};
  fixture.engine.restore(std::move(job), fixture.now);
  fixture.engine.end_restoring();
  const auto s = fixture.session();
  CHECK(fixture.engine.look(job_id{1})->due == instant{10s});
  CHECK(fixture.engine.next_deadline() == instant{10s});
  CHECK(fixture.take(s) == "-");
  fixture.pass(5s);
  CHECK(fixture.take(s) == "later");
}

TEST_CASE("delayed jobs come back with due times and delays at the ends of what can be said") {
  engine_fixture fixture;
  const auto queue = fixture.engine.restore_queue("q");
  const instant last = never - duration{1};
  std::uint64_t id = 0;
  for (const auto due : {instant::min(), instant{-1s}, fixture.now, last}) {
    for (const auto delay : {duration{0}, duration{1}, duration::max()}) {
      auto job = kept(++id, queue, "x", job_state::delayed);
      job.request.delay = delay;
      job.due = due;
      fixture.engine.restore(std::move(job), fixture.now);
    }
  }
  fixture.engine.end_restoring();
  fixture.engine.advance(fixture.now);
  const auto levels = fixture.engine.levels(queue);
  CHECK(levels.ready == 9);
  CHECK(levels.delayed == 3);
  CHECK(fixture.engine.next_deadline() >= last);
}

TEST_CASE("waits and ages count from before the boot, and nothing overflows for a job of the year one") {
  engine_fixture fixture;
  fixture.now = instant{5s};
  const auto queue = fixture.declare("q", 10);
  auto old = kept(1, queue, "old");
  old.put_at = instant{-95s};
  auto oldest = kept(2, queue, "oldest");
  oldest.put_at = instant::min();
  fixture.engine.restore(std::move(old), fixture.now);
  fixture.engine.restore(std::move(oldest), fixture.now);
  fixture.engine.end_restoring();
  CHECK(fixture.engine.levels(queue).oldest_ready == instant::min());
  const auto s = fixture.session();
  const auto first = fixture.take_id(s);
  CHECK(fixture.engine.timings(queue).wait.sum() == 100s);
  CHECK(fixture.finish(s, first) == finish_status::done);
  CHECK(fixture.engine.timings(queue).end_to_end.sum() == 100s);
  const auto second = fixture.take_id(s);
  CHECK(fixture.finish(s, second) == finish_status::done);
  CHECK(fixture.engine.timings(queue).end_to_end.sum() == duration::max());
}

TEST_CASE("the oldest job of a state is the one longest in it, whatever its id; that one is dropped first") {
  engine_fixture fixture;
  const auto queue = fixture.declare("q", 3, overflow::drop_oldest);
  auto delayed_before = kept(1, queue, "was delayed");
  delayed_before.put_at = fixture.now - 100s;
  delayed_before.request.delay = 90s;
  auto returned = kept(2, queue, "returned");
  returned.put_at = fixture.now - 90s;
  returned.tally.releases = 1;
  auto plain = kept(3, queue, "plain");
  plain.put_at = fixture.now - 50s;
  for (auto* const job : {&delayed_before, &returned, &plain}) fixture.engine.restore(std::move(*job), fixture.now);
  fixture.engine.end_restoring();
  CHECK(fixture.engine.levels(queue).oldest_ready == fixture.now - 50s);
  const auto s = fixture.session();
  fixture.put(s, "new");
  CHECK(fixture.engine.levels(queue).oldest_ready == fixture.now - 10s);
  CHECK(fixture.take_all(s) == "was delayed returned new");
}

TEST_CASE("many jobs are put in order of entry in steps, and in each step only so many") {
  constexpr std::uint64_t jobs = 3 * entry_order::jobs_per_run + 100;
  constexpr std::uint64_t jobs_max = 1'000;
  engine_fixture fixture;
  const auto queue = fixture.declare("q", 2 * jobs, overflow::block, 1'000 * jobs);
  const auto other = fixture.engine.declare("other", {}).value();
  // Two jobs have each time of entry. The one with the lower id is the earlier one.
  std::vector<std::pair<instant, job_id>> order;
  for (std::uint64_t id = 1; id <= jobs; ++id) {
    auto job = kept(id, id % 100 == 0 ? other : queue, "x");
    job.put_at = fixture.now - seconds{id * 7'919 % jobs / 2};
    if (job.queue == queue) order.emplace_back(job.put_at, job.job);
    fixture.engine.restore(std::move(job), fixture.now);
  }
  std::ranges::sort(order);
  std::size_t steps = 1;
  while (!fixture.engine.end_restoring(jobs_max)) ++steps;
  CHECK(steps >= 2 * jobs / (jobs_max + entry_order::jobs_per_run));
  const auto s = fixture.session();
  bool is_in_order = true;
  for (const auto& [entered_at, job] : order) {
    is_in_order = is_in_order && fixture.engine.levels(queue).oldest_ready == entered_at &&
                  fixture.engine.erase(s, job, fixture.now);
  }
  CHECK(is_in_order);
  CHECK(fixture.engine.levels(queue).ready == 0);
  CHECK(fixture.engine.levels(other).ready == jobs / 100);
}

TEST_CASE("pauses, leases and delays work on a clock that stands before zero") {
  engine_fixture fixture;
  fixture.now = instant{-10s};
  const auto s = fixture.session();
  fixture.put(s, "x", {.ttr = 5s});
  fixture.engine.pause(fixture.queue(), 10s, fixture.now).value();  // ends at zero
  CHECK(fixture.take(s) == "-");
  fixture.pass(10s);
  CHECK(fixture.now == instant{});
  CHECK(fixture.take(s) == "x");
  fixture.engine.pause(fixture.queue(), 10s, fixture.now).value();
  fixture.engine.pause(fixture.queue(), 0s, fixture.now).value();  // at zero
  CHECK(fixture.engine.levels(fixture.queue()).paused_until == no_pause);
  fixture.pass(5s);
  CHECK(fixture.take(s) == "x");
}

// --- the highest id -------------------------------------------------------------------------------------------------

TEST_CASE("the last id is given out, and a put beyond it is refused") {
  engine_fixture fixture;
  const auto queue = fixture.engine.restore_queue("q");
  fixture.engine.restore(kept(job_id_max.value() - 1, queue, "kept"), fixture.now);
  fixture.engine.restore_ids(job_id_max.value() - 1);
  fixture.engine.end_restoring();
  const auto s = fixture.session();
  CHECK(fixture.put(s, "last") == job_id_max);
  CHECK(fixture.offer(s, "beyond").status == put_status::refused);
  CHECK(fixture.engine.counts(fixture.queue()).rejected[static_cast<std::size_t>(reason::no_ids)].value() == 1);
  CHECK(fixture.engine.counts(fixture.queue()).rejected[static_cast<std::size_t>(reason::overflow)].value() == 0);
  CHECK(fixture.engine.last_id() == job_id_max);
  CHECK(fixture.take_all(s) == "kept last");
  CHECK(fixture.engine.touch(s, job_id_max, fixture.now));
  CHECK(fixture.engine.release(s, job_id_max, 0, 1s, fixture.now));
  fixture.pass(1s);
  CHECK(fixture.engine.reserve_job(s, job_id_max, fixture.now).status == reserve_status::reserved);
  fixture.pass(default_ttr);
  CHECK(fixture.take(s) == "last");
}

TEST_CASE("an id that no job can have is not found") {
  engine_fixture fixture;
  const auto s = fixture.session();
  fixture.put(s);
  for (const auto id : {std::uint64_t{0}, job_id_max.value(), job_id_max.value() + 1, UINT64_MAX >> 1, UINT64_MAX}) {
    CHECK(fixture.engine.reserve_job(s, job_id{id}, fixture.now).status == reserve_status::not_found);
    CHECK_FALSE(fixture.engine.erase(s, job_id{id}, fixture.now));
    CHECK_FALSE(fixture.engine.kick_job(job_id{id}, fixture.now));
    CHECK_FALSE(fixture.engine.look(job_id{id}).has_value());
  }
}

TEST_CASE("when no ids are left, an output buries its job, and a dead letter needs none") {
  engine_fixture fixture;
  const auto out = fixture.declare("out", 10);
  const auto full = fixture.declare("q", 1);
  fixture.engine.restore_ids(job_id_max.value() - 1);
  const auto s = fixture.session(), waiting = fixture.session();
  const auto last = fixture.put(s, "last");
  CHECK(last == job_id_max);
  CHECK(fixture.take(s) == "last");
  CHECK(fixture.offer(waiting, "waits").status == put_status::refused);
  finish_request with_output;
  with_output.outputs.push_back({out, {.content = body{"more"}}});
  const auto first_end = fixture.finish(s, last, std::move(with_output));
  CHECK(first_end == finish_status::buried);
  CHECK(fixture.engine.look(last)->error_text == "no job ids are left");
  CHECK(fixture.engine.counts(full).buried[static_cast<std::size_t>(reason::no_ids)].value() == 1);
  CHECK(fixture.engine.reserve_job(s, last, fixture.now).status == reserve_status::reserved);
  finish_request failed;
  failed.result = outcome::failed;
  failed.dead_letter = out;
  const auto second_end = fixture.finish(s, last, std::move(failed));
  CHECK(second_end == finish_status::dead_lettered);
  CHECK(fixture.engine.first_ready(out)->job == last);
}

TEST_CASE("a put that waited when the last id was given out goes on waiting, and can be withdrawn") {
  engine_fixture fixture;
  fixture.declare("q", 1);
  fixture.declare("other", 1);
  fixture.engine.restore_ids(job_id_max.value() - 2);
  const auto s = fixture.session(), waiting = fixture.session(), third = fixture.session({"other"});
  fixture.put(s, "first");
  CHECK(fixture.offer(waiting, "waits").status == put_status::waiting);
  CHECK(fixture.put(third, "last") == job_id_max);
  CHECK(fixture.take(s) == "first");
  CHECK(fixture.engine.erase(s, job_id{job_id_max.value() - 1}, fixture.now));
  CHECK(fixture.engine.levels(fixture.queue()).waiting_puts == 1);
  CHECK(fixture.engine.withdraw_put(waiting));
}
