// The sites where computations of a consumer run, and their effect on other tasks.
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "support/catch.hpp"
#include "workload/attempt.hpp"
#include "workload/consumer.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using engine::outcome;
using testing::workload_fixture;

TEST_CASE("a computation runs on the loop in steps between which others have their turn") {
  workload_fixture fixture;
  fixture.queue("work");
  fixture.put(*fixture.broker.find("work"), "1000");
  fixture.consumer("count", {.queue = {"work"}, .output = "done"}, testing::computing_kind());
  fixture.start();

  CHECK(fixture.outcomes(0, outcome::ok) == 1);
  CHECK(fixture.broker.engine().first_ready(*fixture.broker.find("done"))->content.view() == "counted");
}

TEST_CASE("computations that end in their first step hold the loop for one turn at most, not for many jobs") {
  struct slow_step final : offload::computation {
    offload::progress step() override {
      std::this_thread::sleep_for(2 * workload::consumer::turn_length_max);
      return offload::progress::done;
    }
    result<std::string> take_result() override { return std::string{}; }
  };
  class slow final : public handlers::computing_handler {
    result<std::unique_ptr<offload::computation>> begin(const handlers::job&) override {
      return std::unique_ptr<offload::computation>{std::make_unique<slow_step>()};
    }
  };
  struct other_task {
    static loop::awaitable<> run(workload_fixture& fixture, std::size_t jobs, unsigned& turns) {
      while (fixture.outcomes(0, outcome::ok) < jobs) {
        ++turns;
        co_await loop::yield(fixture.loop);
      }
    }
  };
  workload_fixture fixture{{}, loop::clock_kind::real};
  constexpr unsigned jobs = 8;
  fixture.producer("some", {.queue = "work"}, testing::numbers_to(jobs));
  fixture.consumer("slow", {.queue = {"work"}},
                   {"slow", "", &testing::no_option_table(), true,
                    [](const void*, const handlers::handler_context&) -> result<handlers::handler> {
                      return handlers::handler{std::unique_ptr<handlers::computing_handler>{std::make_unique<slow>()}};
                    }});
  unsigned turns = 0;
  fixture.scope.spawn("other", other_task::run(fixture, jobs, turns));
  fixture.run_until_idle();
  CHECK(fixture.outcomes(0, outcome::ok) == jobs);
  CHECK(turns >= jobs);
}

TEST_CASE("a computation on a large body, and the copy of a large answer, run on a thread whatever run_on says") {
  const bool large = GENERATE(false, true);
  workload_fixture fixture;
  const auto queue = fixture.queue("work");
  fixture.put(queue, std::string(offload::on_loop_bytes_max + (large ? 1 : 0), '7'));
  SECTION("a computation") {
    fixture.consumer("echo", {.queue = {"work"}, .run_on = offload::execution_site::loop, .output = "done"},
                     testing::echo_kind());
  }
  SECTION("a handler that waits") {
    fixture.consumer("echo", {.queue = {"work"}, .output = "done"},
                     testing::waiting_kind(nanoseconds{1}, [](const handlers::job& work) -> handlers::answer {
                       return std::string{work.content.view()};
                     }));
  }
  fixture.start();
  fixture.loop.advance(milliseconds{1});
  fixture.turn_until([&] { return fixture.outcomes(0, outcome::ok) == 1; });

  CHECK((fixture.threads.counts().wait.count() != 0) == large);
  const auto made = fixture.broker.engine().first_ready(*fixture.broker.find("done"));
  REQUIRE(made);
  CHECK(made->content.size() == offload::on_loop_bytes_max + (large ? 1 : 0));
}

TEST_CASE("computations run on threads, and what goes wrong there fails their job only") {
  workload_fixture fixture;
  const auto queue = fixture.queue("work");
  fixture.consumer("count", {.queue = {"work"}, .run_on = offload::execution_site::threads, .concurrency = 3},
                   testing::computing_kind());
  for (int i = 0; i < 50; ++i) fixture.put(queue, "100");
  fixture.put(queue, "!");
  fixture.put(queue, "no number");
  fixture.start();
  fixture.turn_until([&] { return fixture.levels("work").ready + fixture.levels("work").reserved == 0; });

  CHECK(fixture.outcomes(0, outcome::ok) == 50);
  CHECK(fixture.outcomes(0, outcome::failed) == 2);
  CHECK(fixture.broker.engine().look(job_id{51})->error_text == "the step went wrong");
}

TEST_CASE("a slot that is cancelled while a large answer waits to be copied gives its job back") {
  std::atomic<unsigned> begun{0};
  std::atomic<bool> may_end{false};
  struct blocking_step final : offload::computation {
    blocking_step(std::atomic<unsigned>& begun, std::atomic<bool>& may_end) : begun_{begun}, may_end_{may_end} {}
    offload::progress step() override {
      ++begun_;
      may_end_.wait(false);
      return offload::progress::done;
    }
    result<std::string> take_result() override { return std::string{}; }
    std::atomic<unsigned>& begun_;
    std::atomic<bool>& may_end_;
  };
  workload_fixture fixture;
  const auto queue = fixture.queue("work");
  fixture.put(queue, std::string(offload::on_loop_bytes_max + 1, '7'));
  fixture.consumer("echo", {.queue = {"work"}}, testing::waiting_kind(seconds{1}, [](const handlers::job& work) {
                     return handlers::answer{std::string{work.content.view()}};
                   }));
  fixture.start();
  struct occupation {
    static loop::awaitable<> run(workload_fixture& fixture, std::unique_ptr<offload::computation> work) {
      static_cast<void>(co_await fixture.threads.run(std::move(work)));
    }
  };
  for (unsigned n = 0; n < 2; ++n)
    fixture.scope.spawn("occupies a thread", occupation::run(fixture, std::make_unique<blocking_step>(begun, may_end)));
  fixture.turn_until([&] { return begun == 2; });
  fixture.loop.advance(seconds{1});
  REQUIRE(fixture.levels("work").reserved == 1);

  for (const auto& task : fixture.loop.tasks())
    if (task.name == "echo#1") fixture.loop.cancel(task.id);
  fixture.loop.run_ready();
  may_end = true;
  may_end.notify_all();
  fixture.turn_until([&] { return fixture.levels("work").reserved == 0; });

  CHECK(fixture.levels("work").ready == 1);
  CHECK(fixture.outcomes(0, outcome::cancelled) == 1);
  CHECK(fixture.outcomes(0, outcome::failed) == 0);
}
