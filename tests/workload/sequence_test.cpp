#include "workload/sequence.hpp"

#include "support/catch.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using testing::workload_fixture;
using workload::mode;

namespace {

/// Starts, and begins a drain of a second while a job is held. The job was there before, or arrived while the consumer
/// waited.
void drain_with_a_job(workload_fixture& fixture, queue_id work) {
  const bool arrives_while_waiting = GENERATE(true, false);
  if (!arrives_while_waiting) fixture.put(work, "a");
  fixture.start();
  if (arrives_while_waiting) fixture.put(work, "a");
  fixture.loop.run_ready();
  REQUIRE(fixture.levels("work").reserved == 1);
  fixture.drain(seconds{1});
  fixture.loop.advance(seconds{1});
}

}  // namespace

TEST_CASE("in sequence one job runs at a time in the whole program, each to its end, in the order of arrival") {
  workload_fixture fixture{{.run_mode = mode::sequential}};
  const auto a = fixture.queue("a");
  const auto b = fixture.queue("b");
  fixture.put(b, "b1");
  fixture.loop.advance(milliseconds{1});
  fixture.put(a, "a1");
  fixture.loop.advance(milliseconds{1});
  fixture.put(b, "b2");
  fixture.consumer("slow a", {.queue = {"a"}, .concurrency = 4}, testing::waiting_kind(seconds{2}, fixture.note()));
  fixture.consumer("slow b", {.queue = {"b"}, .concurrency = 4}, testing::waiting_kind(seconds{1}, fixture.note()));
  fixture.start();

  CHECK(fixture.broker.engine().job_count() == 3);
  CHECK(fixture.levels("a").reserved + fixture.levels("b").reserved == 1);
  fixture.loop.advance(seconds{1});
  CHECK(fixture.seen == std::vector<std::string>{"b1"});
  CHECK(fixture.levels("a").reserved + fixture.levels("b").reserved == 1);
  fixture.loop.advance(seconds{2});
  CHECK(fixture.seen == std::vector<std::string>{"b1", "a1"});
  fixture.loop.advance(seconds{1});
  CHECK(fixture.seen == std::vector<std::string>{"b1", "a1", "b2"});
  CHECK(fixture.jobs.consumers()[0]->concurrency == 1);
}

TEST_CASE("in sequence jobs that became ready together go by their id, whichever queue they are in") {
  workload_fixture fixture{{.run_mode = mode::sequential}};
  const auto a = fixture.queue("a");
  const auto b = fixture.queue("b");
  for (int i = 0; i < 3; ++i) {
    fixture.put(b, "b");
    fixture.put(a, "a");
  }
  fixture.consumer("of a", {.queue = {"a"}}, testing::quick_kind(fixture.note()));
  fixture.consumer("of b", {.queue = {"b"}}, testing::waiting_kind(milliseconds{1}, fixture.note()));
  fixture.start();
  fixture.loop.advance(seconds{1});

  CHECK(fixture.seen == std::vector<std::string>{"b", "a", "b", "a", "b", "a"});
}

TEST_CASE("in sequence a job that arrives while nothing is ready is served at once, and the others after it") {
  workload_fixture fixture{{.run_mode = mode::sequential}};
  const auto a = fixture.queue("a");
  const auto b = fixture.queue("b");
  fixture.consumer("of a", {.queue = {"a"}}, testing::waiting_kind(seconds{1}, fixture.note()));
  fixture.consumer("of b", {.queue = {"b"}}, testing::waiting_kind(seconds{1}, fixture.note()));
  fixture.start();
  for (int round = 0; round < 3; ++round) {
    fixture.put(b, "b");
    fixture.put(a, "a");
    fixture.loop.advance(seconds{5});
  }

  CHECK(fixture.seen == std::vector<std::string>{"b", "a", "b", "a", "b", "a"});
  CHECK(fixture.broker.engine().job_count() == 0);
}

TEST_CASE("in sequence a computation runs on the loop, and jobs that fail are settled like any others") {
  workload_fixture fixture{{.run_mode = mode::sequential}};
  const auto queue = fixture.queue("work");
  for (const auto* const content : {"50", "!", "70", "no number"}) fixture.put(queue, content);
  fixture.consumer("count", {.queue = {"work"}, .run_on = offload::execution_site::threads, .concurrency = 9},
                   testing::computing_kind());
  fixture.watch_idle();
  fixture.start();

  CHECK(fixture.idle);
  CHECK(fixture.outcomes(0, engine::outcome::ok) == 2);
  CHECK(fixture.levels("work").buried == 2);
}

TEST_CASE("in sequence a drain lets the job that runs come to its end and takes no other") {
  workload_fixture fixture{{.run_mode = mode::sequential}};
  fixture.producer("three", {.queue = "work"}, testing::numbers_to(3));
  fixture.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{2}, fixture.note()));
  fixture.start();
  fixture.drain(seconds{10});
  fixture.loop.advance(seconds{2});

  CHECK(fixture.drained == std::size_t{0});
  CHECK(fixture.seen.size() == 1);
  CHECK(fixture.levels("work").ready == 2);
}

TEST_CASE("in sequence a drain without patience gives the running job back") {
  workload_fixture fixture{{.run_mode = mode::sequential}};
  const auto work = fixture.queue("work");
  fixture.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{2}, fixture.note()));
  drain_with_a_job(fixture, work);

  CHECK(fixture.drained == std::size_t{1});
  CHECK(fixture.levels("work").ready == 1);
  CHECK(fixture.levels("work").reserved == 0);
}

TEST_CASE("in sequence a job that waits for its output lets the jobs run that the output waits for") {
  workload_fixture fixture{{.run_mode = mode::sequential}};
  fixture.queue("done", {.max_jobs = 1});
  fixture.producer("three", {.queue = "work"}, testing::numbers_to(3));
  fixture.consumer("first", {.queue = {"work"}, .output = "done"},
                   testing::waiting_kind(milliseconds{1}, fixture.note()));
  int attempts = 0;
  const engine::retry_options again{
      .attempts = 2, .backoff = engine::backoff::constant, .first = seconds{1}, .jitter = 0};
  fixture.consumer(
      "second", {.queue = {"done"}, .retry = again}, testing::quick_kind([&](const handlers::job&) {
        return ++attempts % 2 == 1 ? handlers::answer{error{errc::refused, "not yet"}} : handlers::answer{std::nullopt};
      }));
  fixture.watch_idle();
  fixture.start();
  for (int i = 0; i < 10; ++i)
    fixture.loop.advance(seconds{1});  // the queue `done` is full of a delayed retry at times

  CHECK(fixture.idle);
  CHECK(fixture.outcomes(0, engine::outcome::ok) == 3);
  CHECK(fixture.outcomes(1, engine::outcome::ok) == 3);
  CHECK(fixture.broker.engine().job_count() == 0);
}

TEST_CASE("in sequence an output queue that fills during the attempt is emptied by its consumer") {
  workload_fixture fixture{{.run_mode = mode::sequential}};
  const auto work = fixture.queue("work");
  const auto done = fixture.queue("done", {.max_jobs = 1});
  const bool came_while_waiting = GENERATE(true, false);
  if (!came_while_waiting) fixture.put(work, "a");
  fixture.consumer("first", {.queue = {"work"}, .output = "done"}, testing::waiting_kind(seconds{1}, fixture.note()));
  fixture.consumer("second", {.queue = {"done"}}, testing::quick_kind(fixture.note()));
  fixture.start();
  for (const auto* const next : {"a", "b"}) {
    if (came_while_waiting || fixture.seen.size() > 2) fixture.put(work, next);
    fixture.loop.run_ready();
    fixture.put(done, "other");
    fixture.loop.advance(seconds{1});
  }

  CHECK(fixture.seen == std::vector<std::string>{"a", "other", "a", "b", "other", "b"});
  CHECK(fixture.broker.engine().job_count() == 0);
}

TEST_CASE("in sequence a consumer goes on when another empties its output queue while nothing else is ready") {
  workload_fixture fixture{{.run_mode = mode::sequential}};
  const auto work = fixture.queue("work");
  const auto done = fixture.queue("done", {.max_jobs = 1});
  fixture.consumer("first", {.queue = {"work"}, .output = "done"}, testing::quick_kind(fixture.note()));
  fixture.consumer("idle", {.queue = {"other"}}, testing::quick_kind(fixture.note()));
  fixture.start();
  fixture.put(done, "full");
  fixture.put(work, "a");
  fixture.put(work, "b");
  fixture.loop.run_ready();
  CHECK(fixture.seen == std::vector<std::string>{"a"});
  fixture.put(fixture.queue("other"), "meanwhile");
  fixture.loop.run_ready();
  CHECK(fixture.seen == std::vector<std::string>{"a", "meanwhile"});
  for (int i = 0; i < 3; ++i) {
    static_cast<void>(fixture.broker.purge(done, engine::job_state::ready, fixture.loop.now()));
    fixture.loop.run_ready();
  }
  fixture.put(work, "c");
  fixture.loop.run_ready();

  CHECK(fixture.seen == std::vector<std::string>{"a", "meanwhile", "b", "c"});
  CHECK(fixture.levels("work").jobs() == 0);
}

TEST_CASE("in sequence a drain gives back a job that waits for its output, without an interruption") {
  workload_fixture fixture{{.run_mode = mode::sequential}};
  const auto work = fixture.queue("work");
  fixture.put(fixture.queue("done", {.max_jobs = 1}), "full");
  fixture.consumer("first", {.queue = {"work"}, .output = "done"}, testing::quick_kind(fixture.note()));
  drain_with_a_job(fixture, work);

  CHECK(fixture.drained == std::size_t{1});
  CHECK(fixture.levels("work").ready == 1);
  CHECK(fixture.broker.engine().counts(work).interrupted.value() == 0);
}

TEST_CASE("the other modes say where computations run and leave other handlers alone") {
  const auto run_mode = GENERATE(mode::loop, mode::threads);
  workload_fixture fixture{{.run_mode = run_mode}};
  fixture.put(fixture.queue("work"), "1000");
  fixture.put(fixture.queue("other"), "a");
  const auto site = run_mode == mode::loop ? offload::execution_site::threads : offload::execution_site::loop;
  fixture.consumer("count", {.queue = {"work"}, .run_on = site}, testing::computing_kind());
  fixture.consumer("quick", {.queue = {"other"}, .run_on = site}, testing::quick_kind(fixture.note()));
  fixture.start();
  fixture.turn_until([&] { return fixture.levels("work").jobs() == 0; });

  CHECK(fixture.threads.counts().wait.count() == (run_mode == mode::threads ? 1 : 0));
  CHECK(fixture.seen.size() == 1);
}
