#include <millrace/loop/deadline.hpp>

#include "support/catch.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using engine::outcome;
using testing::workload_fixture;

namespace {

loop::awaitable<> drain_when_four_run(workload_fixture& fixture) {
  while (fixture.levels("work").reserved != 4) co_await loop::yield(fixture.loop);
  fixture.drained = co_await fixture.jobs.drain(milliseconds{1});
  co_await workload_fixture::end(fixture, workload_fixture::end_when::at_once);
}

}  // namespace

TEST_CASE("a drain stops producers, takes no further job, and lets running jobs come to their end") {
  workload_fixture fixture;
  fixture.producer("endless", {.queue = "work", .rate = 1}, testing::endless_source());
  fixture.producer("ten", {.queue = "work"}, testing::numbers_to(10));
  fixture.consumer("slow", {.queue = {"work"}, .concurrency = 3}, testing::waiting_kind(seconds{5}, fixture.note()));
  fixture.start();
  fixture.loop.advance(seconds{1});
  fixture.drain(seconds{30});
  fixture.loop.advance(seconds{3});
  CHECK_FALSE(fixture.drained);
  fixture.loop.advance(seconds{1});

  CHECK(fixture.drained == std::size_t{0});
  CHECK(fixture.seen.size() == 3);
  CHECK(fixture.outcomes(0, outcome::ok) == 3);
  CHECK(fixture.levels("work").reserved == 0);
  CHECK(fixture.levels("work").ready == 9);
  CHECK(fixture.jobs.producers()[0]->ended);
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
  workload_fixture fixture;
  fixture.put(fixture.queue("work"), "a");
  fixture.consumer("keeping", {.queue = {"work"}},
                   {"keeping", "", &testing::no_option_table(), false,
                    [&](const void*, const handlers::handler_context& context) -> result<handlers::handler> {
                      return handlers::handler{std::unique_ptr<handlers::waiting_handler>{
                          std::make_unique<keeping>(context.loop, fixture.seen)}};
                    }});
  fixture.start();
  fixture.drain(seconds{30});
  fixture.loop.advance(seconds{4});
  CHECK(fixture.seen.empty());
  fixture.loop.advance(seconds{1});
  CHECK(fixture.drained == std::size_t{0});
  CHECK(fixture.seen == std::vector<std::string>{"done", "destroyed"});
}

TEST_CASE("when patience is over, running jobs are cancelled, become ready again and are counted") {
  workload_fixture fixture;
  fixture.producer("ten", {.queue = "work"}, testing::numbers_to(10));
  fixture.consumer("slow", {.queue = {"work"}, .concurrency = 3}, testing::waiting_kind(seconds{50}, fixture.note()));
  fixture.start();
  fixture.drain(seconds{2});
  fixture.loop.advance(nanoseconds{seconds{2}} - nanoseconds{1});
  CHECK(fixture.levels("work").reserved == 3);
  fixture.loop.advance(nanoseconds{1});

  CHECK(fixture.drained == std::size_t{3});
  CHECK(fixture.outcomes(0, outcome::cancelled) == 3);
  CHECK(fixture.levels("work").ready == 10);
  CHECK(fixture.broker.engine().first_ready(*fixture.broker.find("work"))->content.view() == "1");
  CHECK(fixture.broker.engine().first_ready(*fixture.broker.find("work"))->interruptions == 0);
  CHECK(fixture.jobs.consumers()[0]->active == 0);
}

TEST_CASE("with a timeout, too, a running job is cancelled by the drain and not counted as late") {
  workload_fixture fixture;
  fixture.put(fixture.queue("work"), "a");
  fixture.consumer("slow", {.queue = {"work"}, .timeout = seconds{20}},
                   testing::waiting_kind(seconds{50}, fixture.note()));
  fixture.start();
  fixture.drain(seconds{2});
  fixture.loop.advance(seconds{2});

  CHECK(fixture.drained == std::size_t{1});
  CHECK(fixture.outcomes(0, outcome::cancelled) == 1);
  CHECK(fixture.outcomes(0, outcome::timeout) == 0);
  CHECK(fixture.levels("work").ready == 1);
}

TEST_CASE("computations are stopped between two steps, on the loop and on threads") {
  workload_fixture fixture{{}, loop::clock_kind::real};
  const auto queue = fixture.queue("work");
  for (int i = 0; i < 6; ++i) fixture.put(queue, "1000000M");
  const auto site = GENERATE(offload::execution_site::loop, offload::execution_site::threads);
  fixture.consumer("count", {.queue = {"work"}, .run_on = site, .concurrency = 4}, testing::computing_kind());
  fixture.try_start().value();
  fixture.scope.spawn("drain", drain_when_four_run(fixture));
  fixture.loop.run();

  CHECK(fixture.drained == std::size_t{4});
  CHECK(fixture.levels("work").ready == 6);
}

TEST_CASE("a job that waits for capacity in its output queue is given back") {
  workload_fixture fixture;
  fixture.put(fixture.queue("to", {.max_jobs = 1}), "in the way");
  fixture.put(fixture.queue("from"), "a");
  fixture.consumer("copy", {.queue = {"from"}, .output = "to"}, testing::quick_kind(fixture.note()));
  fixture.start();
  REQUIRE(fixture.levels("from").reserved == 1);
  fixture.drain(seconds{2});
  fixture.loop.advance(seconds{2});

  CHECK(fixture.drained == std::size_t{1});
  CHECK(fixture.levels("from").ready == 1);
  CHECK(fixture.levels("to").jobs() == 1);
}

TEST_CASE("a producer held by a full queue is let go, and its body is not put") {
  workload_fixture fixture;
  fixture.queue("work", {.max_jobs = 1});
  fixture.producer("ten", {.queue = "work"}, testing::numbers_to(10));
  fixture.start();
  REQUIRE(fixture.jobs.held_producers().active() == 1);
  fixture.drain(seconds{2});
  fixture.loop.run_ready();

  CHECK(fixture.drained == std::size_t{0});
  CHECK(fixture.jobs.held_producers().active() == 0);
  CHECK(fixture.levels("work").ready == 1);
  CHECK(fixture.levels("work").waiting_puts == 0);
}

TEST_CASE("a job granted to a slot in the turn of the drain becomes ready again") {
  workload_fixture fixture;
  const auto queue = fixture.queue("work");
  fixture.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{5}, fixture.note()));
  fixture.start();
  fixture.drain(seconds{2});
  fixture.put(queue, "a");
  REQUIRE(fixture.levels("work").reserved == 1);
  fixture.loop.run_ready();

  CHECK(fixture.drained == std::size_t{0});
  CHECK(fixture.levels("work").ready == 1);
  CHECK(fixture.seen.empty());
}

TEST_CASE("a drain in the moment of the start ends what has not begun") {
  workload_fixture fixture;
  fixture.producer("ten", {.queue = "work"}, testing::numbers_to(10));
  fixture.consumer("slow", {.queue = {"work"}, .concurrency = 3}, testing::waiting_kind(seconds{5}, fixture.note()));
  fixture.try_start().value();
  fixture.jobs.stop_taking();
  fixture.drain(GENERATE(duration::zero(), duration{seconds{5}}));
  fixture.loop.run_ready();

  CHECK(fixture.drained == std::size_t{0});
  CHECK(fixture.jobs.producers()[0]->ended);
}

TEST_CASE("a stop while a drain waits ends everything now") {
  workload_fixture fixture;
  fixture.producer("ten", {.queue = "work"}, testing::numbers_to(10));
  fixture.consumer("slow", {.queue = {"work"}, .concurrency = 3}, testing::waiting_kind(hours{5}, fixture.note()));
  fixture.start();
  fixture.drain(hours{1});
  fixture.loop.run_ready();
  CHECK_FALSE(fixture.drained);
  fixture.jobs.stop();
  fixture.loop.run_ready();

  CHECK(fixture.drained == std::size_t{3});
  CHECK(fixture.levels("work").ready == 10);
}
