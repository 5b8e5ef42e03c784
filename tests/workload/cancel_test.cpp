// Jobs that are cancelled while a slot works on them.
#include "support/catch.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using engine::outcome;
using testing::workload_fixture;

namespace {

loop::awaitable<> cancel_job(workload_fixture& at, job_id job, bool& found) {
  found = at.broker.cancel(job).answer;
  co_return;
}

/// From a task of its own, as the control API does it.
bool cancel(workload_fixture& at, std::uint64_t job) {
  bool found = false;
  at.scope.spawn("cancel", cancel_job(at, job_id{job}, found));
  at.loop.run_ready();
  return found;
}

}  // namespace

TEST_CASE("the attempt of a cancelled job ends at its await, and the slot takes the next job") {
  for (const auto timeout : {std::optional<duration>{}, std::optional<duration>{hours{1}}}) {
    workload_fixture at;
    const auto work = at.queue("work");
    at.put(work, "a");
    at.put(work, "b");
    at.consumer("slow", {.queue = {"work"}, .timeout = timeout}, testing::waiting_kind(seconds{5}, at.note()));
    at.watch_idle();
    at.start();
    at.loop.advance(seconds{1});
    CHECK(cancel(at, 1));
    CHECK(at.levels("work").reserved == 1);
    CHECK(at.outcomes(0, outcome::cancelled) == 1);
    at.loop.advance(seconds{5});

    CHECK(at.seen == std::vector<std::string>{"b"});
    CHECK(at.idle);
    CHECK(at.outcomes(0, outcome::ok) == 1);
    CHECK(at.jobs.consumers()[0]->slot_restarts.value() == 0);
    CHECK_FALSE(cancel(at, 1));
  }
}

TEST_CASE("one slot may lose one job after another, and is drained as ever") {
  workload_fixture at;
  const auto work = at.queue("work");
  for (int n = 0; n < 5; ++n) at.put(work, std::to_string(n));
  at.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{5}, at.note()));
  at.start();
  for (std::uint64_t job = 1; job <= 3; ++job) CHECK(cancel(at, job));
  CHECK(at.outcomes(0, outcome::cancelled) == 3);
  at.drain(seconds{1});
  at.loop.advance(seconds{1});
  CHECK(at.drained == 1);
  CHECK(at.outcomes(0, outcome::cancelled) == 4);
  CHECK(at.levels("work").ready == 2);
}

TEST_CASE("a job that a drain takes from its slot was not interrupted, in sequence and side by side") {
  for (const auto mode : {workload::mode::as_set, workload::mode::sequential}) {
    workload_fixture at{{.run_mode = mode}};
    const auto work = at.queue("work", {.deliveries_max = 1});
    at.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{5}, at.note()));
    at.start();
    at.put(work, "a");
    at.loop.run_ready();
    CHECK(at.levels("work").reserved == 1);
    at.drain(seconds{1});
    at.loop.advance(seconds{1});
    CHECK(at.drained == 1);
    CHECK(at.levels("work").ready == 1);
    CHECK(at.broker.engine().look(job_id{1})->interruptions == 0);
  }
}

TEST_CASE("a job that waits is cancelled without a slot") {
  workload_fixture at;
  const auto work = at.queue("work");
  at.put(work, "a");
  at.put(work, "b");
  at.put(work, "c", seconds{1});
  at.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{5}, at.note()));
  at.watch_idle();
  at.start();
  CHECK(cancel(at, 2));
  CHECK(cancel(at, 3));
  at.loop.advance(seconds{5});
  CHECK(at.seen == std::vector<std::string>{"a"});
  CHECK(at.idle);
  CHECK(at.outcomes(0, outcome::cancelled) == 0);
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
  workload_fixture at;
  const auto work = at.queue("work");
  at.queue("results");
  at.put(work, "a");
  at.put(work, "b");
  at.consumer(
      "c", {.queue = {"work"}, .output = "results"},
      {"stubborn", "", &testing::no_option_table(), false,
       [](const void*, const handlers::handler_context& context) -> result<handlers::handler> {
         return handlers::handler{std::unique_ptr<handlers::waiting_handler>{std::make_unique<stubborn>(context.loop)}};
       }});
  at.start();
  CHECK(cancel(at, 1));
  CHECK(at.levels("results").ready == 0);
  at.loop.advance(seconds{5});
  CHECK(at.levels("results").ready == 1);
  CHECK(at.outcomes(0, outcome::cancelled) == 1);
  CHECK(at.outcomes(0, outcome::ok) == 1);
}

TEST_CASE("a computation stops at its next step when its job is cancelled, on the loop and on threads") {
  for (const auto place : {offload::execution_site::loop, offload::execution_site::threads}) {
    workload_fixture at;
    const auto work = at.queue("work");
    at.put(work, "1000000000000");
    at.put(work, "3");
    at.consumer("c", {.queue = {"work"}, .run_on = place}, testing::computing_kind());
    at.try_start().value();
    bool found = false;
    at.scope.spawn("cancel", [](workload_fixture& fixture, bool& is_cancelled) -> loop::awaitable<> {
      while (fixture.levels("work").reserved == 0) co_await loop::yield(fixture.loop);
      for (int turn = 0; turn < 3; ++turn) co_await loop::yield(fixture.loop);
      is_cancelled = fixture.broker.cancel(job_id{1}).answer;
    }(at, found));
    at.turn_until([&] { return at.outcomes(0, outcome::ok) == 1; });
    CHECK(found);
    CHECK(at.outcomes(0, outcome::cancelled) == 1);
  }
}

TEST_CASE("a job whose output waits for capacity is cancelled, and the slot goes on") {
  workload_fixture at;
  const auto work = at.queue("work");
  const auto results = at.queue("results", {.max_jobs = 1});
  at.put(results, "full");
  at.put(work, "a");
  at.put(work, "b");
  at.consumer("c", {.queue = {"work"}, .output = "results"}, testing::waiting_kind(seconds{1}, at.note()));
  at.start();
  at.loop.advance(seconds{1});
  CHECK(at.seen.size() == 1);
  CHECK(cancel(at, 2));
  at.loop.advance(seconds{1});
  CHECK(at.seen == std::vector<std::string>{"a", "b"});
}

TEST_CASE("in sequence the permit is free again when the job that has it is cancelled") {
  workload_fixture at{{.run_mode = workload::mode::sequential}};
  const auto a = at.queue("a");
  const auto b = at.queue("b");
  at.consumer("of a", {.queue = {"a"}}, testing::waiting_kind(seconds{5}, at.note()));
  at.consumer("of b", {.queue = {"b"}}, testing::waiting_kind(seconds{5}, at.note()));
  at.start();
  at.put(a, "a1");  // by the session that watches all queues
  at.put(b, "b1");
  at.put(a, "a2");
  at.loop.run_ready();
  CHECK(cancel(at, 1));
  CHECK(cancel(at, 2));
  at.loop.advance(seconds{5});
  CHECK(at.seen == std::vector<std::string>{"a2"});
  CHECK(at.outcomes(0, outcome::cancelled) == 1);
  CHECK(at.outcomes(1, outcome::cancelled) == 1);
}
