#include <millrace/loop/deadline.hpp>

#include "support/catch.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using engine::outcome;
using testing::workload_fixture;

namespace {

loop::awaitable<> drain_when_four_run(workload_fixture& at) {
  while (at.levels("work").reserved != 4) co_await loop::yield(at.loop);
  at.drained = co_await at.jobs.drain(milliseconds{1});
  co_await workload_fixture::end(at, workload_fixture::end_when::at_once);
}

}  // namespace

TEST_CASE("a drain stops producers, takes no further job, and lets running jobs come to their end") {
  workload_fixture at;
  at.producer("endless", {.queue = "work", .rate = 1}, testing::endless_source());
  at.producer("ten", {.queue = "work"}, testing::numbers_to(10));
  at.consumer("slow", {.queue = {"work"}, .concurrency = 3}, testing::waiting_kind(seconds{5}, at.note()));
  at.start();
  at.loop.advance(seconds{1});
  at.drain(seconds{30});
  at.loop.advance(seconds{3});
  CHECK_FALSE(at.drained);
  at.loop.advance(seconds{1});

  CHECK(at.drained == std::size_t{0});
  CHECK(at.seen.size() == 3);
  CHECK(at.outcomes(0, outcome::ok) == 3);
  CHECK(at.levels("work").reserved == 0);
  CHECK(at.levels("work").ready == 9);
  CHECK(at.jobs.producers()[0]->ended);
}

TEST_CASE("a handler is destroyed when the last of its jobs has ended, so that it does not keep the loop running") {
  class keeping final : public handlers::waiting_handler {
   public:
    keeping(loop::event_loop& loop, std::vector<std::string>& seen) : loop_{loop}, seen_{seen}, kept_{loop, [] {}} {
      kept_.set(after(loop.now(), hours{24}));
    }
    ~keeping() override { seen_.emplace_back("destroyed"); }
    loop::awaitable<handlers::answer> handle(handlers::job) override {
      co_await loop::sleep_for(loop_, seconds{5});
      seen_.emplace_back("done");
      co_return std::nullopt;
    }

   private:
    loop::event_loop& loop_;
    std::vector<std::string>& seen_;
    loop::deadline kept_;
  };
  workload_fixture at;
  at.put(at.queue("work"), "a");
  at.consumer("keeping", {.queue = {"work"}},
              {"keeping", "", &testing::no_option_table(), false,
               [&](const void*, const handlers::handler_context& context) -> result<handlers::handler> {
                 return handlers::handler{
                     std::unique_ptr<handlers::waiting_handler>{std::make_unique<keeping>(context.loop, at.seen)}};
               }});
  at.start();
  at.drain(seconds{30});
  at.loop.advance(seconds{4});
  CHECK(at.seen.empty());
  at.loop.advance(seconds{1});
  CHECK(at.drained == std::size_t{0});
  CHECK(at.seen == std::vector<std::string>{"done", "destroyed"});
}

TEST_CASE("when patience is over, running jobs are cancelled, become ready again and are counted") {
  workload_fixture at;
  at.producer("ten", {.queue = "work"}, testing::numbers_to(10));
  at.consumer("slow", {.queue = {"work"}, .concurrency = 3}, testing::waiting_kind(seconds{50}, at.note()));
  at.start();
  at.drain(seconds{2});
  at.loop.advance(nanoseconds{seconds{2}} - nanoseconds{1});
  CHECK(at.levels("work").reserved == 3);
  at.loop.advance(nanoseconds{1});

  CHECK(at.drained == std::size_t{3});
  CHECK(at.outcomes(0, outcome::cancelled) == 3);
  CHECK(at.levels("work").ready == 10);
  CHECK(at.broker.engine().first_ready(*at.broker.find("work"))->content.view() == "1");
  CHECK(at.broker.engine().first_ready(*at.broker.find("work"))->interruptions == 0);
  CHECK(at.jobs.consumers()[0]->active == 0);
}

TEST_CASE("with a timeout, too, a running job is cancelled by the drain and not counted as late") {
  workload_fixture at;
  at.put(at.queue("work"), "a");
  at.consumer("slow", {.queue = {"work"}, .timeout = seconds{20}}, testing::waiting_kind(seconds{50}, at.note()));
  at.start();
  at.drain(seconds{2});
  at.loop.advance(seconds{2});

  CHECK(at.drained == std::size_t{1});
  CHECK(at.outcomes(0, outcome::cancelled) == 1);
  CHECK(at.outcomes(0, outcome::timeout) == 0);
  CHECK(at.levels("work").ready == 1);
}

TEST_CASE("computations are stopped between two steps, on the loop and on threads") {
  workload_fixture at{{}, loop::clock_kind::real};
  const auto queue = at.queue("work");
  for (int i = 0; i < 6; ++i) at.put(queue, "1000000M");
  const auto site = GENERATE(offload::execution_site::loop, offload::execution_site::threads);
  at.consumer("count", {.queue = {"work"}, .run_on = site, .concurrency = 4}, testing::computing_kind());
  at.try_start().value();
  at.scope.spawn("drain", drain_when_four_run(at));
  at.loop.run();

  CHECK(at.drained == std::size_t{4});
  CHECK(at.levels("work").ready == 6);
}

TEST_CASE("a job that waits for capacity in its output queue is given back") {
  workload_fixture at;
  at.put(at.queue("to", {.max_jobs = 1}), "in the way");
  at.put(at.queue("from"), "a");
  at.consumer("copy", {.queue = {"from"}, .output = "to"}, testing::quick_kind(at.note()));
  at.start();
  REQUIRE(at.levels("from").reserved == 1);
  at.drain(seconds{2});
  at.loop.advance(seconds{2});

  CHECK(at.drained == std::size_t{1});
  CHECK(at.levels("from").ready == 1);
  CHECK(at.levels("to").jobs() == 1);
}

TEST_CASE("a producer held by a full queue is let go, and its body is not put") {
  workload_fixture at;
  at.queue("work", {.max_jobs = 1});
  at.producer("ten", {.queue = "work"}, testing::numbers_to(10));
  at.start();
  REQUIRE(at.jobs.held_producers().active() == 1);
  at.drain(seconds{2});
  at.loop.run_ready();

  CHECK(at.drained == std::size_t{0});
  CHECK(at.jobs.held_producers().active() == 0);
  CHECK(at.levels("work").ready == 1);
  CHECK(at.levels("work").waiting_puts == 0);
}

TEST_CASE("a job granted to a slot in the turn of the drain becomes ready again") {
  workload_fixture at;
  const auto queue = at.queue("work");
  at.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{5}, at.note()));
  at.start();
  at.drain(seconds{2});
  at.put(queue, "a");
  REQUIRE(at.levels("work").reserved == 1);
  at.loop.run_ready();

  CHECK(at.drained == std::size_t{0});
  CHECK(at.levels("work").ready == 1);
  CHECK(at.seen.empty());
}

TEST_CASE("a drain in the moment of the start ends what has not begun") {
  workload_fixture at;
  at.producer("ten", {.queue = "work"}, testing::numbers_to(10));
  at.consumer("slow", {.queue = {"work"}, .concurrency = 3}, testing::waiting_kind(seconds{5}, at.note()));
  at.try_start().value();
  at.jobs.stop_taking();
  at.drain(GENERATE(duration::zero(), duration{seconds{5}}));
  at.loop.run_ready();

  CHECK(at.drained == std::size_t{0});
  CHECK(at.jobs.producers()[0]->ended);
}

TEST_CASE("a stop while a drain waits ends everything now") {
  workload_fixture at;
  at.producer("ten", {.queue = "work"}, testing::numbers_to(10));
  at.consumer("slow", {.queue = {"work"}, .concurrency = 3}, testing::waiting_kind(hours{5}, at.note()));
  at.start();
  at.drain(hours{1});
  at.loop.run_ready();
  CHECK_FALSE(at.drained);
  at.jobs.stop();
  at.loop.run_ready();

  CHECK(at.drained == std::size_t{3});
  CHECK(at.levels("work").ready == 10);
}
