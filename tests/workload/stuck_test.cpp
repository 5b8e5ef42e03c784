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

void deaf_consumer(workload_fixture& at, workload::consumer_options options, duration length = {}) {
  at.consumer(
      "c", std::move(options),
      {"deaf", "", &testing::no_option_table(), false,
       [&seen = at.seen, length](const void*, const handlers::handler_context& context) -> result<handlers::handler> {
         return handlers::handler{
             std::unique_ptr<handlers::waiting_handler>{std::make_unique<deaf>(context.loop, seen, length)}};
       }});
}

loop::awaitable<> cancel_job(workload_fixture& at, job_id job) {
  CHECK(at.broker.cancel(job).answer);
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

loop::awaitable<> occupy(workload_fixture& at, const std::atomic<bool>& released) {
  co_await at.threads.run(std::make_unique<busy_step>(released));
}

std::uint32_t stuck(const workload_fixture& at) { return at.jobs.consumers()[0]->stuck; }

}  // namespace

TEST_CASE("a slot whose handler ignores its timeout is replaced, and the late answer is dropped") {
  workload_fixture at;
  const auto work = at.queue("work");
  at.queue("results");
  at.put(work, "deaf");
  at.put(work, "next");
  deaf_consumer(at, {.queue = {"work"}, .timeout = seconds{1}, .output = "results"});
  at.start();
  at.loop.advance(seconds{1} + consumer::stuck_after - milliseconds{1});
  CHECK(stuck(at) == 0);
  CHECK(at.levels("work").reserved == 1);
  at.loop.advance(milliseconds{1});

  CHECK(stuck(at) == 1);
  CHECK(at.jobs.consumers()[0]->active == 0);
  CHECK(at.seen == std::vector<std::string>{"deaf", "next"});
  CHECK(at.outcomes(0, outcome::timeout) == 1);
  CHECK(at.outcomes(0, outcome::ok) == 1);
  CHECK(at.broker.engine().look(job_id{1})->error_text == "no answer within 1s");
  at.loop.advance(deaf_for);
  CHECK(stuck(at) == 0);
  CHECK(at.outcomes(0, outcome::ok) == 1);
  CHECK(at.levels("results").ready == 1);
  CHECK(at.levels("work").buried == 1);
}

TEST_CASE("a slot whose handler goes on after its job was cancelled is replaced") {
  workload_fixture at;
  const auto work = at.queue("work");
  at.put(work, "deaf");
  at.put(work, "next");
  deaf_consumer(at, {.queue = {"work"}});
  at.watch_idle();
  at.start();
  at.scope.spawn("cancel", cancel_job(at, job_id{1}));
  at.loop.run_ready();
  CHECK(at.seen == std::vector<std::string>{"deaf"});
  at.loop.advance(consumer::stuck_after);
  CHECK(stuck(at) == 1);
  CHECK(at.seen == std::vector<std::string>{"deaf", "next"});
  CHECK(at.outcomes(0, outcome::cancelled) == 1);
  CHECK(at.idle);
  at.loop.advance(deaf_for);
  CHECK(stuck(at) == 0);
  CHECK(at.outcomes(0, outcome::cancelled) == 1);
  CHECK(at.outcomes(0, outcome::ok) == 1);
}

TEST_CASE("a job whose slot was replaced is tried again, and is done once") {
  workload_fixture at;
  const auto work = at.queue("work", {.retry = {.attempts = 2, .first = seconds{1}, .jitter = 0}});
  at.queue("results");
  at.put(work, "deaf");
  deaf_consumer(at, {.queue = {"work"}, .timeout = seconds{1}, .output = "results"});
  at.watch_idle();
  at.start();
  at.loop.advance(seconds{1} + consumer::stuck_after);
  CHECK(at.levels("work").delayed == 1);
  at.loop.advance(seconds{1});
  CHECK(at.idle);
  CHECK(at.levels("results").ready == 1);
  at.loop.advance(deaf_for);
  CHECK(at.levels("results").ready == 1);
  CHECK(at.outcomes(0, outcome::ok) == 1);
}

TEST_CASE("a slot is not replaced while too many are stuck, and is when one of them has ended") {
  workload_fixture at;
  const auto work = at.queue("work");
  for (std::size_t n = 0; n <= consumer::stuck_slots_max; ++n) at.put(work, "deaf");
  at.put(work, "last");
  deaf_consumer(at, {.queue = {"work"}, .timeout = seconds{1}});
  at.start();
  for (std::size_t n = 0; n < consumer::stuck_slots_max; ++n) at.loop.advance(seconds{1} + consumer::stuck_after);
  CHECK(stuck(at) == consumer::stuck_slots_max);
  at.loop.advance(minutes{1});
  CHECK(stuck(at) == consumer::stuck_slots_max);
  CHECK(at.seen.back() == "deaf");
  CHECK(at.levels("work").reserved == 1);
  at.loop.advance(deaf_for);
  CHECK(at.seen.back() == "last");
  CHECK(at.outcomes(0, outcome::ok) == 1);
  at.loop.advance(deaf_for);
  CHECK(stuck(at) == 0);
}

TEST_CASE("a drain does not wait for a slot that was replaced until its patience ends") {
  workload_fixture at;
  at.put(at.queue("work"), "deaf");
  deaf_consumer(at, {.queue = {"work"}, .timeout = seconds{1}});
  at.start();
  at.loop.advance(seconds{1} + consumer::stuck_after);
  at.drain(2 * deaf_for);
  at.loop.advance(deaf_for);
  CHECK(at.drained == std::size_t{0});
}

TEST_CASE("a handler that has ended is not stuck while the pool is too busy to copy its large text") {
  std::atomic<bool> released{false};
  workload_fixture at;
  const auto work = at.queue("work");
  at.queue("results");
  deaf_consumer(at, {.queue = {"work"}, .timeout = seconds{1}, .output = "results"});
  for (int thread = 0; thread < 2; ++thread) at.scope.spawn("occupy", occupy(at, released));
  at.start();
  at.put(work, std::string(2 * offload::on_loop_bytes_max, 'x'));
  at.loop.run_ready();
  at.loop.advance(seconds{1} + 2 * consumer::stuck_after);
  CHECK(at.seen.size() == 1);
  CHECK(stuck(at) == 0);
  released = true;
  at.turn_until([&] { return at.outcomes(0, outcome::ok) == 1; });
  CHECK(at.outcomes(0, outcome::timeout) == 0);
  CHECK(at.levels("results").ready == 1);
}

TEST_CASE("a handler that needs time to end after its cancellation is stuck that much later") {
  workload_fixture at;
  at.put(at.queue("work"), "deaf");
  deaf_consumer(at, {.queue = {"work"}, .timeout = seconds{1}}, minutes{1});
  at.start();
  at.loop.advance(seconds{1} + minutes{1} + consumer::stuck_after - milliseconds{1});
  CHECK(stuck(at) == 0);
  at.loop.advance(milliseconds{1});
  CHECK(stuck(at) == 1);
  at.loop.advance(deaf_for);
  CHECK(stuck(at) == 0);
}
