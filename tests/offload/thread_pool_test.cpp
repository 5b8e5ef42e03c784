#include "offload/thread_pool.hpp"

#include <algorithm>

#include <millrace/loop/deadline.hpp>

#include "support/catch.hpp"

#include "offload/pieces.hpp"

namespace millrace::offload {
namespace {

/// A pool on a real loop, with a scope for callers and one that closes the pool after them.
struct workplace {
  explicit workplace(pool_options options) : pool{loop, options} {}

  loop::event_loop loop;
  loop::task_scope callers{loop};
  loop::task_scope closing{loop};
  thread_pool pool;
  diary answers;

  task_id call(std::unique_ptr<computation> work, instant when = never) {
    return callers.spawn("caller", run_and_note(pool, std::move(work), when, answers));
  }
  void run() {
    closing.spawn("closing", close_after(callers, pool));
    loop.run();
  }
};

loop::awaitable<> run_many(thread_pool& pool, int count, int steps, int& right) {
  for (int n = 0; n < count; ++n) {
    const std::string text = std::to_string(n);
    std::unique_ptr<computation> work = std::make_unique<counted>(text, steps);
    const result<std::string> answer = co_await pool.run(std::move(work));
    if (answer && *answer == text) ++right;
  }
}

/// Handed in without a coroutine; notes when it completed.
class noted_request final : public pool_request {
 public:
  noted_request(std::unique_ptr<computation> to_compute, diary& answers)
      : pool_request{std::move(to_compute), never}, answers_{answers} {}
  void completed() noexcept override { answers_.push_back(words(answer)); }

 private:
  diary& answers_;
};

}  // namespace

TEST_CASE("a computation's steps run on a worker and its text comes back", "[thread_pool]") {
  workplace place{with_threads(1)};
  place.call(std::make_unique<counted>("42", 10));
  place.run();
  CHECK(place.answers == diary{"42"});
  CHECK(place.pool.counts().workers == 1);
  CHECK(place.pool.counts().busy == 0);
  CHECK(place.pool.counts().pending == 0);
  CHECK(place.pool.counts().wait.count() == 1);
  CHECK(place.pool.counts().busy_nanoseconds.value() > 0);
}

TEST_CASE("one worker answers in the order in which computations came", "[thread_pool]") {
  workplace place{with_threads(1)};
  diary expected;
  for (int n = 0; n < 500; ++n) {
    expected.push_back(std::to_string(n));
    place.call(std::make_unique<counted>(expected.back(), 1));
  }
  place.run();
  CHECK(place.answers == expected);
}

TEST_CASE("many callers on several workers each get their own answers", "[thread_pool]") {
  workplace place{with_threads(3)};
  int right = 0;
  for (int n = 0; n < 64; ++n) place.callers.spawn("caller", run_many(place.pool, 100, 1 + n % 3, right));
  place.run();
  CHECK(right == 6'400);
  CHECK(place.pool.counts().wait.count() == 6'400);
}

TEST_CASE("an exception of a step is that computation's failure and nothing more", "[thread_pool]") {
  workplace place{with_threads(1)};
  place.call(std::make_unique<throwing>(2));
  place.call(std::make_unique<failing>());
  place.call(std::make_unique<counted>("fine", 1));
  place.run();
  CHECK(place.answers == diary{"invalid: division by zero", "out of range: too many digits", "fine"});
}

TEST_CASE("a cancelled computation stops between two steps, before its caller goes on", "[thread_pool]") {
  workplace place{with_threads(1)};
  const auto notes = std::make_shared<endless_notes>();
  const task_id id = place.call(std::make_unique<endless>(notes));
  place.loop.run_ready();
  notes->wait_until_begun();
  CHECK(place.pool.counts().busy == 1);
  place.loop.cancel(id);
  place.run();
  CHECK(place.answers == diary{"cancelled: it was cancelled"});
  CHECK(notes->gone);
}

TEST_CASE("a worker whose step does not return makes no progress, and an idle one need not", "[thread_pool]") {
  workplace place{with_threads(2)};
  std::atomic<bool> begun{false};
  std::atomic<bool> released{false};
  CHECK(place.pool.workers_without_progress() == 0);
  place.call(std::make_unique<hanging>(begun, released));
  place.loop.run_ready();
  while (!begun) std::this_thread::yield();
  CHECK(place.pool.workers_without_progress() == 0);  // it began a step
  place.pool.mark_progress();
  CHECK(place.pool.workers_without_progress() == 1);
  released = true;
  place.run();
  CHECK(place.answers == diary{"released"});
  place.pool.mark_progress();
  CHECK(place.pool.workers_without_progress() == 0);
}

TEST_CASE("a worker in a long computation makes progress with each step", "[thread_pool]") {
  workplace place{with_threads(1)};
  const auto notes = std::make_shared<endless_notes>();
  place.call(std::make_unique<endless>(notes));
  place.loop.run_ready();
  notes->wait_until_begun();
  place.pool.mark_progress();
  const auto marked = notes->steps.load();
  while (notes->steps < marked + 2) std::this_thread::yield();
  CHECK(place.pool.workers_without_progress() == 0);
  notes->finish = true;
  place.run();
}

TEST_CASE("a computation cancelled in the backlog is never begun", "[thread_pool]") {
  workplace place{with_threads(1)};
  const auto first = std::make_shared<endless_notes>();
  const auto second = std::make_shared<endless_notes>();
  place.call(std::make_unique<endless>(first));
  place.loop.run_ready();
  first->wait_until_begun();
  const task_id id = place.call(std::make_unique<endless>(second));
  place.loop.run_ready();
  place.loop.cancel(id);
  // The worker notices that its first one is long, and sends the second one back to where it can be cancelled.
  while (place.answers.empty()) place.loop.run_ready();
  CHECK(place.answers == diary{"cancelled: it was cancelled"});
  CHECK(second->steps == 0);
  CHECK(second->gone);
  first->finish = true;
  place.run();
  CHECK(place.answers == diary{"cancelled: it was cancelled", "finished"});
}

TEST_CASE("a computation that is late is stopped, running or waiting", "[thread_pool]") {
  workplace place{with_threads(1)};
  const auto running = std::make_shared<endless_notes>();
  const instant limit = place.loop.refresh_now() + milliseconds{20};
  place.call(std::make_unique<endless>(running), limit);
  for (int n = 0; n < 3; ++n) place.call(std::make_unique<endless>(std::make_shared<endless_notes>()), limit);
  place.run();
  CHECK(place.loop.now() >= limit);
  CHECK(place.answers == diary(4, "timed out: the time for it ran out"));
  CHECK(running->gone);
}

TEST_CASE("what waits behind a long computation goes to another worker", "[thread_pool]") {
  workplace place{with_threads(2)};
  const auto long_one = std::make_shared<endless_notes>();
  place.call(std::make_unique<endless>(long_one));
  place.loop.run_ready();
  long_one->wait_until_begun();
  for (int n = 0; n < 200; ++n) place.call(std::make_unique<counted>("short", 1));
  while (place.answers.size() < 200) place.loop.run_ready();
  CHECK(place.answers == diary(200, "short"));
  long_one->finish = true;
  place.run();
  CHECK(place.answers.back() == "finished");
}

TEST_CASE("callers beyond the backlog's limit count as held until they have a place", "[thread_pool]") {
  pool_options options = with_threads(1);
  options.backlog_max = 4;
  workplace place{options};
  const auto long_one = std::make_shared<endless_notes>();
  place.call(std::make_unique<endless>(long_one));
  while (long_one->steps == 0 || place.pool.counts().pending != 0) place.loop.run_ready();
  std::vector<task_id> ids;
  ids.reserve(20);
  for (int n = 0; n < 20; ++n) ids.push_back(place.call(std::make_unique<counted>(std::to_string(n), 1)));
  place.loop.run_ready();
  while (place.pool.held().active() < 14) place.loop.run_ready();
  CHECK(place.pool.counts().pending == 20);
  const std::uint64_t held = place.pool.held().active();
  CHECK(held <= 16);
  place.loop.cancel(ids.back());
  place.loop.run_ready();
  CHECK(place.pool.held().active() == held - 1);
  long_one->finish = true;
  place.run();
  CHECK(place.answers.size() == 21);
  CHECK(place.pool.held().active() == 0);
  CHECK(place.pool.held().total(place.loop.now()) > duration::zero());
}

TEST_CASE("closing stops what runs, answers what waits, and refuses what comes", "[thread_pool]") {
  workplace place{with_threads(2)};
  std::vector<std::shared_ptr<endless_notes>> all;
  for (int n = 0; n < 10; ++n) {
    all.push_back(std::make_shared<endless_notes>());
    place.call(std::make_unique<endless>(all.back()));
  }
  place.loop.run_ready();
  all.front()->wait_until_begun();
  place.pool.close();
  place.loop.run();
  CHECK(place.answers == diary(10, "cancelled: it was cancelled"));
  for (const auto& notes : all) CHECK(notes->gone);

  place.call(std::make_unique<counted>("late", 1));
  place.loop.run();
  CHECK(place.answers.back() == "cancelled: the pool is closed");
}

TEST_CASE("a pool that was never used ends at once", "[thread_pool]") {
  workplace place{pool_options{}};
  CHECK(place.pool.counts().workers >= 1);
  place.run();
  CHECK(place.answers.empty());
}

TEST_CASE("computations can be handed in without a coroutine", "[thread_pool]") {
  workplace place{with_threads(1)};
  const auto notes = std::make_shared<endless_notes>();
  noted_request quick{std::make_unique<counted>("quick", 3), place.answers};
  noted_request slow{std::make_unique<endless>(notes), place.answers};
  place.loop.post_from_any_thread([&] {
    place.pool.submit(quick);
    place.pool.submit(slow);
  });
  place.loop.run_ready();
  notes->wait_until_begun();
  place.pool.cancel(slow);
  while (place.answers.size() < 2) place.loop.run_ready();
  place.pool.cancel(slow);
  CHECK(place.answers == diary{"quick", "cancelled: it was cancelled"});
  place.run();
}

}  // namespace millrace::offload
