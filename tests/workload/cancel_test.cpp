// Jobs that are cancelled while a slot works on them.
#include "support/catch.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using engine::outcome;
using testing::workload_fixture;

namespace {

loop::awaitable<> cancel_job(workload_fixture& fixture, job_id job, bool& found) {
  found = fixture.broker.cancel(job).answer;
  co_return;
}

/// From a task of its own, as the control API does it.
bool cancel(workload_fixture& fixture, std::uint64_t job) {
  bool found = false;
  fixture.scope.spawn("cancel", cancel_job(fixture, job_id{job}, found));
  fixture.loop.run_ready();
  return found;
}

}  // namespace

TEST_CASE("the attempt of a cancelled job ends at its await, and the slot takes the next job") {
  for (const auto timeout : {std::optional<duration>{}, std::optional<duration>{hours{1}}}) {
    workload_fixture fixture;
    const auto work = fixture.queue("work");
    fixture.put(work, "a");
    fixture.put(work, "b");
    fixture.consumer("slow", {.queue = {"work"}, .timeout = timeout},
                     testing::waiting_kind(seconds{5}, fixture.note()));
    fixture.watch_idle();
    fixture.start();
    fixture.loop.advance(seconds{1});
    CHECK(cancel(fixture, 1));
    CHECK(fixture.levels("work").reserved == 1);
    CHECK(fixture.outcomes(0, outcome::cancelled) == 1);
    fixture.loop.advance(seconds{5});

    CHECK(fixture.seen == std::vector<std::string>{"b"});
    CHECK(fixture.idle);
    CHECK(fixture.outcomes(0, outcome::ok) == 1);
    CHECK(fixture.jobs.consumers()[0]->slot_restarts.value() == 0);
    CHECK_FALSE(cancel(fixture, 1));
  }
}

TEST_CASE("one slot may lose one job after another, and is drained as ever") {
  workload_fixture fixture;
  const auto work = fixture.queue("work");
  for (int n = 0; n < 5; ++n) fixture.put(work, std::to_string(n));
  fixture.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{5}, fixture.note()));
  fixture.start();
  for (std::uint64_t job = 1; job <= 3; ++job) CHECK(cancel(fixture, job));
  CHECK(fixture.outcomes(0, outcome::cancelled) == 3);
  fixture.drain(seconds{1});
  fixture.loop.advance(seconds{1});
  CHECK(fixture.drained == 1);
  CHECK(fixture.outcomes(0, outcome::cancelled) == 4);
  CHECK(fixture.levels("work").ready == 2);
}

TEST_CASE("a job that a drain takes from its slot was not interrupted, in sequence and side by side") {
  for (const auto mode : {workload::mode::as_set, workload::mode::sequential}) {
    workload_fixture fixture{{.run_mode = mode}};
    const auto work = fixture.queue("work", {.deliveries_max = 1});
    fixture.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{5}, fixture.note()));
    fixture.start();
    fixture.put(work, "a");
    fixture.loop.run_ready();
    CHECK(fixture.levels("work").reserved == 1);
    fixture.drain(seconds{1});
    fixture.loop.advance(seconds{1});
    CHECK(fixture.drained == 1);
    CHECK(fixture.levels("work").ready == 1);
    CHECK(fixture.broker.engine().look(job_id{1})->interruptions == 0);
  }
}

TEST_CASE("a job that waits is cancelled without a slot") {
  workload_fixture fixture;
  const auto work = fixture.queue("work");
  fixture.put(work, "a");
  fixture.put(work, "b");
  fixture.put(work, "c", seconds{1});
  fixture.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{5}, fixture.note()));
  fixture.watch_idle();
  fixture.start();
  CHECK(cancel(fixture, 2));
  CHECK(cancel(fixture, 3));
  fixture.loop.advance(seconds{5});
  CHECK(fixture.seen == std::vector<std::string>{"a"});
  CHECK(fixture.idle);
  CHECK(fixture.outcomes(0, outcome::cancelled) == 0);
}

TEST_CASE("the answer that a handler gives although its job was cancelled is dropped") {
  class stubborn final : public handlers::waiting_handler {
   public:
    explicit stubborn(loop::event_loop& loop) : loop_{loop} {}
    loop::awaitable<handlers::answer> handle(handlers::job) override {
      try {
        co_await loop::sleep_for(loop_, seconds{5});
      } catch (...) {
        co_return std::string{"late"};
      }
      co_return std::string{"in time"};
    }

   private:
    loop::event_loop& loop_;
  };
  workload_fixture fixture;
  const auto work = fixture.queue("work");
  fixture.queue("results");
  fixture.put(work, "a");
  fixture.put(work, "b");
  fixture.consumer(
      "c", {.queue = {"work"}, .output = "results"},
      {"stubborn", "", &testing::no_option_table(), false,
       [](const void*, const handlers::handler_context& context) -> result<handlers::handler> {
         return handlers::handler{std::unique_ptr<handlers::waiting_handler>{std::make_unique<stubborn>(context.loop)}};
       }});
  fixture.start();
  CHECK(cancel(fixture, 1));
  CHECK(fixture.levels("results").ready == 0);
  fixture.loop.advance(seconds{5});
  CHECK(fixture.levels("results").ready == 1);
  CHECK(fixture.outcomes(0, outcome::cancelled) == 1);
  CHECK(fixture.outcomes(0, outcome::ok) == 1);
}

TEST_CASE("a computation stops at its next step when its job is cancelled, on the loop and on threads") {
  for (const auto place : {offload::execution_site::loop, offload::execution_site::threads}) {
    workload_fixture fixture;
    const auto work = fixture.queue("work");
    fixture.put(work, "1000000000000");
    fixture.put(work, "3");
    fixture.consumer("c", {.queue = {"work"}, .run_on = place}, testing::computing_kind());
    fixture.try_start().value();
    bool found = false;
    fixture.scope.spawn("cancel", [](workload_fixture& running, bool& is_cancelled) -> loop::awaitable<> {
      while (running.levels("work").reserved == 0) co_await loop::yield(running.loop);
      for (int turn = 0; turn < 3; ++turn) co_await loop::yield(running.loop);
      is_cancelled = running.broker.cancel(job_id{1}).answer;
    }(fixture, found));
    fixture.turn_until([&] { return fixture.outcomes(0, outcome::ok) == 1; });
    CHECK(found);
    CHECK(fixture.outcomes(0, outcome::cancelled) == 1);
  }
}

TEST_CASE("a job whose output waits for capacity is cancelled, and the slot goes on") {
  workload_fixture fixture;
  const auto work = fixture.queue("work");
  const auto results = fixture.queue("results", {.max_jobs = 1});
  fixture.put(results, "full");
  fixture.put(work, "a");
  fixture.put(work, "b");
  fixture.consumer("c", {.queue = {"work"}, .output = "results"}, testing::waiting_kind(seconds{1}, fixture.note()));
  fixture.start();
  fixture.loop.advance(seconds{1});
  CHECK(fixture.seen.size() == 1);
  CHECK(cancel(fixture, 2));
  fixture.loop.advance(seconds{1});
  CHECK(fixture.seen == std::vector<std::string>{"a", "b"});
}

TEST_CASE("in sequence the permit is free again when the job that has it is cancelled") {
  workload_fixture fixture{{.run_mode = workload::mode::sequential}};
  const auto a = fixture.queue("a");
  const auto b = fixture.queue("b");
  fixture.consumer("of a", {.queue = {"a"}}, testing::waiting_kind(seconds{5}, fixture.note()));
  fixture.consumer("of b", {.queue = {"b"}}, testing::waiting_kind(seconds{5}, fixture.note()));
  fixture.start();
  fixture.put(a, "a1");  // by the session that watches all queues
  fixture.put(b, "b1");
  fixture.put(a, "a2");
  fixture.loop.run_ready();
  CHECK(cancel(fixture, 1));
  CHECK(cancel(fixture, 2));
  fixture.loop.advance(seconds{5});
  CHECK(fixture.seen == std::vector<std::string>{"a2"});
  CHECK(fixture.outcomes(0, outcome::cancelled) == 1);
  CHECK(fixture.outcomes(1, outcome::cancelled) == 1);
}
