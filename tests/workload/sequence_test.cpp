#include "workload/sequence.hpp"

#include "support/catch.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using testing::workload_fixture;
using workload::mode;

TEST_CASE("in sequence one job runs at a time in the whole program, each to its end, in the order of arrival") {
  workload_fixture at{{.run_mode = mode::sequential}};
  const auto a = at.queue("a");
  const auto b = at.queue("b");
  at.put(b, "b1");
  at.loop.advance(milliseconds{1});
  at.put(a, "a1");
  at.loop.advance(milliseconds{1});
  at.put(b, "b2");
  at.consumer("slow a", {.queue = {"a"}, .concurrency = 4}, testing::waiting_kind(seconds{2}, at.note()));
  at.consumer("slow b", {.queue = {"b"}, .concurrency = 4}, testing::waiting_kind(seconds{1}, at.note()));
  at.start();

  CHECK(at.broker.engine().job_count() == 3);
  CHECK(at.levels("a").reserved + at.levels("b").reserved == 1);
  at.loop.advance(seconds{1});
  CHECK(at.seen == std::vector<std::string>{"b1"});
  CHECK(at.levels("a").reserved + at.levels("b").reserved == 1);
  at.loop.advance(seconds{2});
  CHECK(at.seen == std::vector<std::string>{"b1", "a1"});
  at.loop.advance(seconds{1});
  CHECK(at.seen == std::vector<std::string>{"b1", "a1", "b2"});
  CHECK(at.jobs.consumers()[0]->concurrency == 1);
}

TEST_CASE("in sequence jobs that became ready together go by their id, whichever queue they are in") {
  workload_fixture at{{.run_mode = mode::sequential}};
  const auto a = at.queue("a");
  const auto b = at.queue("b");
  for (int i = 0; i < 3; ++i) {
    at.put(b, "b");
    at.put(a, "a");
  }
  at.consumer("of a", {.queue = {"a"}}, testing::quick_kind(at.note()));
  at.consumer("of b", {.queue = {"b"}}, testing::waiting_kind(milliseconds{1}, at.note()));
  at.start();
  at.loop.advance(seconds{1});

  CHECK(at.seen == std::vector<std::string>{"b", "a", "b", "a", "b", "a"});
}

TEST_CASE("in sequence a job that arrives while nothing is ready is served at once, and the others after it") {
  workload_fixture at{{.run_mode = mode::sequential}};
  const auto a = at.queue("a");
  const auto b = at.queue("b");
  at.consumer("of a", {.queue = {"a"}}, testing::waiting_kind(seconds{1}, at.note()));
  at.consumer("of b", {.queue = {"b"}}, testing::waiting_kind(seconds{1}, at.note()));
  at.start();
  for (int round = 0; round < 3; ++round) {
    at.put(b, "b");
    at.put(a, "a");
    at.loop.advance(seconds{5});
  }

  CHECK(at.seen == std::vector<std::string>{"b", "a", "b", "a", "b", "a"});
  CHECK(at.broker.engine().job_count() == 0);
}

TEST_CASE("in sequence a computation runs on the loop, and jobs that fail are settled like any others") {
  workload_fixture at{{.run_mode = mode::sequential}};
  const auto queue = at.queue("work");
  for (const auto* const content : {"50", "!", "70", "no number"}) at.put(queue, content);
  at.consumer("count", {.queue = {"work"}, .run_on = offload::execution_site::threads, .concurrency = 9},
              testing::computing_kind());
  at.watch_idle();
  at.start();

  CHECK(at.idle);
  CHECK(at.outcomes(0, engine::outcome::ok) == 2);
  CHECK(at.levels("work").buried == 2);
}

TEST_CASE("in sequence a drain lets the job that runs come to its end and takes no other") {
  workload_fixture at{{.run_mode = mode::sequential}};
  at.producer("three", {.queue = "work"}, testing::numbers_to(3));
  at.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{2}, at.note()));
  at.start();
  at.drain(seconds{10});
  at.loop.advance(seconds{2});

  CHECK(at.drained == std::size_t{0});
  CHECK(at.seen.size() == 1);
  CHECK(at.levels("work").ready == 2);
}

TEST_CASE("in sequence a drain without patience gives the running job back") {
  workload_fixture at{{.run_mode = mode::sequential}};
  const auto queue = at.queue("work");
  const bool came_while_waiting = GENERATE(true, false);
  if (!came_while_waiting) at.put(queue, "a");
  at.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{2}, at.note()));
  at.start();
  if (came_while_waiting) at.put(queue, "a");
  at.loop.run_ready();
  REQUIRE(at.levels("work").reserved == 1);
  at.drain(seconds{1});
  at.loop.advance(seconds{1});

  CHECK(at.drained == std::size_t{1});
  CHECK(at.levels("work").ready == 1);
  CHECK(at.levels("work").reserved == 0);
}

TEST_CASE("in sequence a job that waits for its output lets the jobs run that the output waits for") {
  workload_fixture at{{.run_mode = mode::sequential}};
  at.queue("done", {.max_jobs = 1});
  at.producer("three", {.queue = "work"}, testing::numbers_to(3));
  at.consumer("first", {.queue = {"work"}, .output = "done"}, testing::waiting_kind(milliseconds{1}, at.note()));
  int attempts = 0;
  const engine::retry_options again{
      .attempts = 2, .backoff = engine::backoff::constant, .first = seconds{1}, .jitter = 0};
  at.consumer(
      "second", {.queue = {"done"}, .retry = again}, testing::quick_kind([&](const handlers::job&) {
        return ++attempts % 2 == 1 ? handlers::answer{error{errc::refused, "not yet"}} : handlers::answer{std::nullopt};
      }));
  at.watch_idle();
  at.start();
  for (int i = 0; i < 10; ++i) at.loop.advance(seconds{1});  // the queue `done` is full of a delayed retry at times

  CHECK(at.idle);
  CHECK(at.outcomes(0, engine::outcome::ok) == 3);
  CHECK(at.outcomes(1, engine::outcome::ok) == 3);
  CHECK(at.broker.engine().job_count() == 0);
}

TEST_CASE("in sequence an output queue that fills during the attempt is emptied by its consumer") {
  workload_fixture at{{.run_mode = mode::sequential}};
  const auto work = at.queue("work");
  const auto done = at.queue("done", {.max_jobs = 1});
  const bool came_while_waiting = GENERATE(true, false);
  if (!came_while_waiting) at.put(work, "a");
  at.consumer("first", {.queue = {"work"}, .output = "done"}, testing::waiting_kind(seconds{1}, at.note()));
  at.consumer("second", {.queue = {"done"}}, testing::quick_kind(at.note()));
  at.start();
  for (const auto* const next : {"a", "b"}) {
    if (came_while_waiting || at.seen.size() > 2) at.put(work, next);
    at.loop.run_ready();
    at.put(done, "other");
    at.loop.advance(seconds{1});
  }

  CHECK(at.seen == std::vector<std::string>{"a", "other", "a", "b", "other", "b"});
  CHECK(at.broker.engine().job_count() == 0);
}

TEST_CASE("in sequence a consumer goes on when another empties its output queue while nothing else is ready") {
  workload_fixture at{{.run_mode = mode::sequential}};
  const auto work = at.queue("work");
  const auto done = at.queue("done", {.max_jobs = 1});
  at.consumer("first", {.queue = {"work"}, .output = "done"}, testing::quick_kind(at.note()));
  at.consumer("idle", {.queue = {"other"}}, testing::quick_kind(at.note()));
  at.start();
  at.put(done, "full");
  at.put(work, "a");
  at.put(work, "b");
  at.loop.run_ready();
  CHECK(at.seen == std::vector<std::string>{"a"});
  at.put(at.queue("other"), "meanwhile");
  at.loop.run_ready();
  CHECK(at.seen == std::vector<std::string>{"a", "meanwhile"});
  for (int i = 0; i < 3; ++i) {
    static_cast<void>(at.broker.purge(done, engine::job_state::ready, at.loop.now()));
    at.loop.run_ready();
  }
  at.put(work, "c");
  at.loop.run_ready();

  CHECK(at.seen == std::vector<std::string>{"a", "meanwhile", "b", "c"});
  CHECK(at.levels("work").jobs() == 0);
}

TEST_CASE("in sequence a drain gives back a job that waits for its output, without an interruption") {
  workload_fixture at{{.run_mode = mode::sequential}};
  const auto work = at.queue("work");
  at.put(at.queue("done", {.max_jobs = 1}), "full");
  const bool came_while_waiting = GENERATE(true, false);
  if (!came_while_waiting) at.put(work, "a");
  at.consumer("first", {.queue = {"work"}, .output = "done"}, testing::quick_kind(at.note()));
  at.start();
  if (came_while_waiting) at.put(work, "a");
  at.loop.run_ready();
  REQUIRE(at.levels("work").reserved == 1);
  at.drain(seconds{1});
  at.loop.advance(seconds{1});

  CHECK(at.drained == std::size_t{1});
  CHECK(at.levels("work").ready == 1);
  CHECK(at.broker.engine().counts(work).interrupted.value() == 0);
}

TEST_CASE("the other modes say where computations run and leave other handlers alone") {
  const auto run_mode = GENERATE(mode::loop, mode::threads);
  workload_fixture at{{.run_mode = run_mode}};
  at.put(at.queue("work"), "1000");
  at.put(at.queue("other"), "a");
  const auto site = run_mode == mode::loop ? offload::execution_site::threads : offload::execution_site::loop;
  at.consumer("count", {.queue = {"work"}, .run_on = site}, testing::computing_kind());
  at.consumer("quick", {.queue = {"other"}, .run_on = site}, testing::quick_kind(at.note()));
  at.start();
  at.turn_until([&] { return at.levels("work").jobs() == 0; });

  CHECK(at.threads.counts().wait.count() == (run_mode == mode::threads ? 1 : 0));
  CHECK(at.seen.size() == 1);
}
