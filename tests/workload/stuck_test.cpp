// A handler that does not end after its cancellation: its slot is replaced, and its late answer is dropped.
#include <atomic>
#include <thread>

#include <millrace/handlers/slow_cancellation.hpp>

#include "support/catch.hpp"
#include "workload/consumer.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using engine::outcome;
using testing::workload_fixture;
using workload::consumer;

namespace {

constexpr duration deaf_for = hours{1};

/// In the first attempt of a job whose body begins with `deaf`, waits for an hour and ignores cancellation.
class deaf final : public handlers::waiting_handler, public handlers::slow_cancellation {
 public:
  deaf(loop::event_loop& loop, std::vector<std::string>& seen, duration length)
      : loop_{loop}, seen_{seen}, length_{length} {}
  [[nodiscard]] duration cancellation_length() const noexcept override { return length_; }
  loop::awaitable<handlers::answer> handle(handlers::job work) override {
    seen_.emplace_back(work.content.view());
    if (work.attempt == 1 && work.content.view().starts_with("deaf")) {
      co_await loop::ignore_cancellation();
      co_await loop::sleep_for(loop_, deaf_for);
    }
    co_return std::string{work.content.view()};
  }

 private:
  loop::event_loop& loop_;
  std::vector<std::string>& seen_;
  duration length_;
};

void deaf_consumer(workload_fixture& fixture, workload::consumer_options options, duration length = {}) {
  fixture.consumer("c", std::move(options),
                   {"deaf", "", &testing::no_option_table(), false,
                    [&seen = fixture.seen, length](
                        const void*, const handlers::handler_context& context) -> result<handlers::handler> {
                      return handlers::handler{std::unique_ptr<handlers::waiting_handler>{
                          std::make_unique<deaf>(context.loop, seen, length)}};
                    }});
}

loop::awaitable<> cancel_job(workload_fixture& fixture, job_id job) {
  CHECK(fixture.broker.cancel(job).answer);
  co_return;
}

/// Keeps a thread of the pool busy until `released`.
class busy_step final : public offload::computation {
 public:
  explicit busy_step(const std::atomic<bool>& released) : released_{released} {}
  offload::progress step() override {
    while (!released_) std::this_thread::yield();
    return offload::progress::done;
  }
  result<std::string> take_result() override { return std::string{}; }

 private:
  const std::atomic<bool>& released_;
};

loop::awaitable<> occupy(workload_fixture& fixture, const std::atomic<bool>& released) {
  co_await fixture.threads.run(std::make_unique<busy_step>(released));
}

std::uint32_t stuck(const workload_fixture& fixture) { return fixture.jobs.consumers()[0]->stuck; }

}  // namespace

TEST_CASE("a slot whose handler ignores its timeout is replaced, and the late answer is dropped") {
  workload_fixture fixture;
  const auto work = fixture.queue("work");
  fixture.queue("results");
  fixture.put(work, "deaf");
  fixture.put(work, "next");
  deaf_consumer(fixture, {.queue = {"work"}, .timeout = seconds{1}, .output = "results"});
  fixture.start();
  fixture.loop.advance(seconds{1} + consumer::stuck_after - milliseconds{1});
  CHECK(stuck(fixture) == 0);
  CHECK(fixture.levels("work").reserved == 1);
  fixture.loop.advance(milliseconds{1});

  CHECK(stuck(fixture) == 1);
  CHECK(fixture.jobs.consumers()[0]->active == 0);
  CHECK(fixture.seen == std::vector<std::string>{"deaf", "next"});
  CHECK(fixture.outcomes(0, outcome::timeout) == 1);
  CHECK(fixture.outcomes(0, outcome::ok) == 1);
  CHECK(fixture.broker.engine().look(job_id{1})->error_text == "no answer within 1s");
  fixture.loop.advance(deaf_for);
  CHECK(stuck(fixture) == 0);
  CHECK(fixture.outcomes(0, outcome::ok) == 1);
  CHECK(fixture.levels("results").ready == 1);
  CHECK(fixture.levels("work").buried == 1);
}

TEST_CASE("a slot whose handler goes on after its job was cancelled is replaced") {
  workload_fixture fixture;
  const auto work = fixture.queue("work");
  fixture.put(work, "deaf");
  fixture.put(work, "next");
  deaf_consumer(fixture, {.queue = {"work"}});
  fixture.watch_idle();
  fixture.start();
  fixture.scope.spawn("cancel", cancel_job(fixture, job_id{1}));
  fixture.loop.run_ready();
  CHECK(fixture.seen == std::vector<std::string>{"deaf"});
  fixture.loop.advance(consumer::stuck_after);
  CHECK(stuck(fixture) == 1);
  CHECK(fixture.seen == std::vector<std::string>{"deaf", "next"});
  CHECK(fixture.outcomes(0, outcome::cancelled) == 1);
  CHECK(fixture.idle);
  fixture.loop.advance(deaf_for);
  CHECK(stuck(fixture) == 0);
  CHECK(fixture.outcomes(0, outcome::cancelled) == 1);
  CHECK(fixture.outcomes(0, outcome::ok) == 1);
}

TEST_CASE("a job whose slot was replaced is tried again, and is done once") {
  workload_fixture fixture;
  const auto work = fixture.queue("work", {.retry = {.attempts = 2, .first = seconds{1}, .jitter = 0}});
  fixture.queue("results");
  fixture.put(work, "deaf");
  deaf_consumer(fixture, {.queue = {"work"}, .timeout = seconds{1}, .output = "results"});
  fixture.watch_idle();
  fixture.start();
  fixture.loop.advance(seconds{1} + consumer::stuck_after);
  CHECK(fixture.levels("work").delayed == 1);
  fixture.loop.advance(seconds{1});
  CHECK(fixture.idle);
  CHECK(fixture.levels("results").ready == 1);
  fixture.loop.advance(deaf_for);
  CHECK(fixture.levels("results").ready == 1);
  CHECK(fixture.outcomes(0, outcome::ok) == 1);
}

TEST_CASE("a slot is not replaced while too many are stuck, and is when one of them has ended") {
  workload_fixture fixture;
  const auto work = fixture.queue("work");
  for (std::size_t n = 0; n <= consumer::stuck_slots_max; ++n) fixture.put(work, "deaf");
  fixture.put(work, "last");
  deaf_consumer(fixture, {.queue = {"work"}, .timeout = seconds{1}});
  fixture.start();
  for (std::size_t n = 0; n < consumer::stuck_slots_max; ++n) fixture.loop.advance(seconds{1} + consumer::stuck_after);
  CHECK(stuck(fixture) == consumer::stuck_slots_max);
  fixture.loop.advance(minutes{1});
  CHECK(stuck(fixture) == consumer::stuck_slots_max);
  CHECK(fixture.seen.back() == "deaf");
  CHECK(fixture.levels("work").reserved == 1);
  fixture.loop.advance(deaf_for);
  CHECK(fixture.seen.back() == "last");
  CHECK(fixture.outcomes(0, outcome::ok) == 1);
  fixture.loop.advance(deaf_for);
  CHECK(stuck(fixture) == 0);
}

TEST_CASE("a drain does not wait for a slot that was replaced until its patience ends") {
  workload_fixture fixture;
  fixture.put(fixture.queue("work"), "deaf");
  deaf_consumer(fixture, {.queue = {"work"}, .timeout = seconds{1}});
  fixture.start();
  fixture.loop.advance(seconds{1} + consumer::stuck_after);
  fixture.drain(2 * deaf_for);
  fixture.loop.advance(deaf_for);
  CHECK(fixture.drained == std::size_t{0});
}

TEST_CASE("a handler that has ended is not stuck while the pool is too busy to copy its large text") {
  std::atomic<bool> released{false};
  workload_fixture fixture;
  const auto work = fixture.queue("work");
  fixture.queue("results");
  deaf_consumer(fixture, {.queue = {"work"}, .timeout = seconds{1}, .output = "results"});
  for (int thread = 0; thread < 2; ++thread) fixture.scope.spawn("occupy", occupy(fixture, released));
  fixture.start();
  fixture.put(work, std::string(2 * offload::on_loop_bytes_max, 'x'));
  fixture.loop.run_ready();
  fixture.loop.advance(seconds{1} + 2 * consumer::stuck_after);
  CHECK(fixture.seen.size() == 1);
  CHECK(stuck(fixture) == 0);
  released = true;
  fixture.turn_until([&] { return fixture.outcomes(0, outcome::ok) == 1; });
  CHECK(fixture.outcomes(0, outcome::timeout) == 0);
  CHECK(fixture.levels("results").ready == 1);
}

TEST_CASE("a handler that needs time to end after its cancellation is stuck that much later") {
  workload_fixture fixture;
  fixture.put(fixture.queue("work"), "deaf");
  deaf_consumer(fixture, {.queue = {"work"}, .timeout = seconds{1}}, minutes{1});
  fixture.start();
  fixture.loop.advance(seconds{1} + minutes{1} + consumer::stuck_after - milliseconds{1});
  CHECK(stuck(fixture) == 0);
  fixture.loop.advance(milliseconds{1});
  CHECK(stuck(fixture) == 1);
  fixture.loop.advance(deaf_for);
  CHECK(stuck(fixture) == 0);
}
