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
  workload_fixture at;
  at.queue("work");
  at.put(*at.broker.find("work"), "1000");
  at.consumer("count", {.queue = {"work"}, .output = "done"}, testing::computing_kind());
  at.start();

  CHECK(at.outcomes(0, outcome::ok) == 1);
  CHECK(at.broker.engine().first_ready(*at.broker.find("done"))->content.view() == "counted");
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
    static loop::awaitable<> run(workload_fixture& at, std::size_t jobs, unsigned& turns) {
      while (at.outcomes(0, outcome::ok) < jobs) {
        ++turns;
        co_await loop::yield(at.loop);
      }
    }
  };
  workload_fixture at{{}, loop::clock_kind::real};
  constexpr unsigned jobs = 8;
  at.producer("some", {.queue = "work"}, testing::numbers_to(jobs));
  at.consumer("slow", {.queue = {"work"}},
              {"slow", "", &testing::no_option_table(), true,
               [](const void*, const handlers::handler_context&) -> result<handlers::handler> {
                 return handlers::handler{std::unique_ptr<handlers::computing_handler>{std::make_unique<slow>()}};
               }});
  unsigned turns = 0;
  at.scope.spawn("other", other_task::run(at, jobs, turns));
  at.run_until_idle();
  CHECK(at.outcomes(0, outcome::ok) == jobs);
  CHECK(turns >= jobs);
}

TEST_CASE("a computation on a large body, and the copy of a large answer, run on a thread whatever run_on says") {
  const bool large = GENERATE(false, true);
  workload_fixture at;
  const auto queue = at.queue("work");
  at.put(queue, std::string(offload::on_loop_bytes_max + (large ? 1 : 0), '7'));
  SECTION("a computation") {
    at.consumer("echo", {.queue = {"work"}, .run_on = offload::execution_site::loop, .output = "done"},
                testing::echo_kind());
  }
  SECTION("a handler that waits") {
    at.consumer("echo", {.queue = {"work"}, .output = "done"},
                testing::waiting_kind(nanoseconds{1}, [](const handlers::job& work) -> handlers::answer {
                  return std::string{work.content.view()};
                }));
  }
  at.start();
  at.loop.advance(milliseconds{1});
  at.turn_until([&] { return at.outcomes(0, outcome::ok) == 1; });

  CHECK((at.threads.counts().wait.count() != 0) == large);
  const auto made = at.broker.engine().first_ready(*at.broker.find("done"));
  REQUIRE(made);
  CHECK(made->content.size() == offload::on_loop_bytes_max + (large ? 1 : 0));
}

TEST_CASE("computations run on threads, and what goes wrong there fails their job only") {
  workload_fixture at;
  const auto queue = at.queue("work");
  at.consumer("count", {.queue = {"work"}, .run_on = offload::execution_site::threads, .concurrency = 3},
              testing::computing_kind());
  for (int i = 0; i < 50; ++i) at.put(queue, "100");
  at.put(queue, "!");
  at.put(queue, "no number");
  at.start();
  at.turn_until([&] { return at.levels("work").ready + at.levels("work").reserved == 0; });

  CHECK(at.outcomes(0, outcome::ok) == 50);
  CHECK(at.outcomes(0, outcome::failed) == 2);
  CHECK(at.broker.engine().look(job_id{51})->error_text == "the step went wrong");
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
  workload_fixture at;
  const auto queue = at.queue("work");
  at.put(queue, std::string(offload::on_loop_bytes_max + 1, '7'));
  at.consumer("echo", {.queue = {"work"}}, testing::waiting_kind(seconds{1}, [](const handlers::job& work) {
                return handlers::answer{std::string{work.content.view()}};
              }));
  at.start();
  struct occupation {
    static loop::awaitable<> run(workload_fixture& at, std::unique_ptr<offload::computation> work) {
      static_cast<void>(co_await at.threads.run(std::move(work)));
    }
  };
  for (unsigned n = 0; n < 2; ++n)
    at.scope.spawn("occupies a thread", occupation::run(at, std::make_unique<blocking_step>(begun, may_end)));
  at.turn_until([&] { return begun == 2; });
  at.loop.advance(seconds{1});
  REQUIRE(at.levels("work").reserved == 1);

  for (const auto& task : at.loop.tasks())
    if (task.name == "echo#1") at.loop.cancel(task.id);
  at.loop.run_ready();
  may_end = true;
  may_end.notify_all();
  at.turn_until([&] { return at.levels("work").reserved == 0; });

  CHECK(at.levels("work").ready == 1);
  CHECK(at.outcomes(0, outcome::cancelled) == 1);
  CHECK(at.outcomes(0, outcome::failed) == 0);
}
