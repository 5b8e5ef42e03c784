#include "offload/site_choice.hpp"

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "offload/pieces.hpp"
#include "offload/run_on.hpp"
#include "support/catch.hpp"

namespace millrace::offload {
namespace {

/// A choice with a threshold of 100 ms, and the lengths of steps that moved it.
struct noted_choice {
  duration threshold{milliseconds{100}};
  std::vector<duration> moved_by;
  site_choice choice{threshold, [this](duration length) { moved_by.push_back(length); }};
};

/// Each step takes at least a millisecond; notes on which threads steps ran.
class slow final : public computation {
 public:
  slow(int steps, std::vector<std::thread::id>& threads) : left_{steps}, threads_{threads} {}
  progress step() override {
    threads_.push_back(std::this_thread::get_id());
    std::this_thread::sleep_for(milliseconds{1});
    return --left_ == 0 ? progress::done : progress::more;
  }
  result<std::string> take_result() override { return std::string{"computed"}; }

 private:
  int left_;
  std::vector<std::thread::id>& threads_;
};

struct choosing_place {
  explicit choosing_place(loop::clock_kind clock) : loop{clock} {}
  ~choosing_place() {
    pool.close();
    loop.run();
  }
  choosing_place(const choosing_place&) = delete;
  choosing_place& operator=(const choosing_place&) = delete;

  loop::awaitable<> run_one(std::unique_ptr<computation> work, instant when) {
    auto running = run_on(fixture.choice, 10, loop, pool, std::move(work), when);
    const auto answer = co_await std::move(running);
    answers.push_back(words(answer));
  }
  void compute(std::unique_ptr<computation> work, instant when = never) {
    const auto expected = answers.size() + 1;
    scope.spawn("caller", run_one(std::move(work), when));
    while (answers.size() < expected) loop.run_ready();
  }
  std::uint64_t on_threads() const { return pool.counts().wait.count(); }

  noted_choice fixture;
  loop::event_loop loop;
  loop::task_scope scope{loop};
  thread_pool pool{loop, with_threads(1)};
  diary answers;
};

TEST_CASE("computations that are short, or of which nothing is known, begin on the loop, long ones on threads") {
  noted_choice fixture;
  CHECK(fixture.choice.begins_on_loop(10));
  fixture.choice.note_end(10, site_choice::long_work);
  CHECK_FALSE(fixture.choice.begins_on_loop(10));
  for (int n = 0; n < 3; ++n) fixture.choice.note_end(10, microseconds{1});
  CHECK(fixture.choice.begins_on_loop(10));
  fixture.choice.note_end(10, seconds{1});
  CHECK_FALSE(fixture.choice.begins_on_loop(10));
}

TEST_CASE("what is known of large bodies says nothing of small ones") {
  noted_choice fixture;
  fixture.choice.note_end(60'000, milliseconds{5});
  CHECK_FALSE(fixture.choice.begins_on_loop(60'000));
  CHECK_FALSE(fixture.choice.begins_on_loop(40'000));
  CHECK(fixture.choice.begins_on_loop(20'000));
  CHECK(fixture.choice.begins_on_loop(0));
  CHECK(fixture.choice.begins_on_loop(0xFFFF'FFFFu));
}

TEST_CASE("a step that holds the loop for longer than the threshold moves the handler for good, and says so once") {
  noted_choice fixture;
  fixture.choice.note_step(milliseconds{100});
  CHECK_FALSE(fixture.choice.moved());
  fixture.threshold = milliseconds{50};
  fixture.choice.note_step(milliseconds{51});
  fixture.choice.note_step(milliseconds{52});
  CHECK(fixture.choice.moved());
  CHECK(fixture.moved_by == std::vector<duration>{milliseconds{51}});
  for (int n = 0; n < 100; ++n) fixture.choice.note_end(10, duration::zero());
  CHECK_FALSE(fixture.choice.begins_on_loop(10));
}

TEST_CASE("a handler that only computes briefly never uses a thread") {
  choosing_place place{loop::clock_kind::manual};
  for (int n = 0; n < 20; ++n) place.compute(std::make_unique<counted>("computed", 3));
  place.compute(std::make_unique<throwing>(2));
  CHECK(place.on_threads() == 0);
  CHECK(place.answers.back() == "invalid: division by zero");
}

TEST_CASE("a computation that is longer than expected goes on on a thread, and the next one begins there") {
  choosing_place place{loop::clock_kind::real};
  std::vector<std::thread::id> threads;
  place.compute(std::make_unique<slow>(3, threads));
  REQUIRE(threads.size() == 3);
  CHECK(threads[0] == std::this_thread::get_id());
  CHECK(threads[1] != std::this_thread::get_id());
  CHECK(threads[2] == threads[1]);
  place.compute(std::make_unique<slow>(1, threads));
  CHECK(threads[3] == threads[1]);
  CHECK(place.answers == diary{"computed", "computed"});
}

TEST_CASE("a computation that is chosen for the loop is cancelled and late as others are") {
  choosing_place place{loop::clock_kind::manual};
  const auto notes = std::make_shared<endless_notes>();
  place.compute(std::make_unique<endless>(notes), place.loop.now());
  CHECK(place.answers == diary{"timed out: the time for it ran out"});
  CHECK(notes->gone);
}

}  // namespace
}  // namespace millrace::offload
