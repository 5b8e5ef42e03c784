#include "offload/run_on.hpp"

#include <millrace/loop/deadline.hpp>

#include "support/catch.hpp"

#include "offload/pieces.hpp"

namespace millrace::offload {
namespace {

loop::awaitable<> run_there(execution_site site, loop::event_loop& loop, thread_pool& pool,
                            std::unique_ptr<computation> work, instant when, diary& answers) {
  const result<std::string> answer = co_await run_on(site, loop, pool, std::move(work), when);
  answers.push_back(words(answer));
}

loop::awaitable<> write_turns(loop::event_loop& loop, int turns, diary& answers) {
  for (int n = 0; n < turns; ++n) {
    answers.push_back("turn");
    co_await loop::yield(loop);
  }
}

/// A loop whose clock stands still, with a pool beside it.
struct loop_fixture {
  loop::event_loop loop{loop::clock_kind::manual};
  loop::task_scope scope{loop};
  thread_pool pool{loop, with_threads(1)};
  diary answers;

  loop_fixture() = default;
  ~loop_fixture() {
    scope.cancel();
    loop.run_ready();
    pool.close();
    loop.run();
  }
  loop_fixture(const loop_fixture&) = delete;
  loop_fixture& operator=(const loop_fixture&) = delete;

  task_id call(execution_site site, std::unique_ptr<computation> work, instant when = never) {
    return scope.spawn("caller", run_there(site, loop, pool, std::move(work), when, answers));
  }
};

}  // namespace

TEST_CASE("on the loop a computation runs a step a turn, and others get theirs", "[run_on]") {
  loop_fixture fixture;
  fixture.call(execution_site::loop, std::make_unique<counted>("computed", 3));
  fixture.scope.spawn("other", write_turns(fixture.loop, 5, fixture.answers));
  fixture.loop.run_ready();
  CHECK(fixture.answers == diary{"turn", "turn", "computed", "turn", "turn", "turn"});
}

TEST_CASE("the answer is the same on the loop and on threads", "[run_on]") {
  loop_fixture fixture;
  for (const execution_site site : {execution_site::loop, execution_site::threads}) {
    fixture.answers.clear();
    fixture.call(site, std::make_unique<counted>("computed", 3));
    while (fixture.answers.empty()) fixture.loop.run_ready();
    fixture.call(site, std::make_unique<throwing>(2));
    while (fixture.answers.size() < 2) fixture.loop.run_ready();
    fixture.call(site, std::make_unique<failing>());
    while (fixture.answers.size() < 3) fixture.loop.run_ready();
    CHECK(fixture.answers == diary{"computed", "invalid: division by zero", "out of range: too many digits"});
  }
}

TEST_CASE("a computation that returns one of the pool's own codes has failed, and was neither cancelled nor late",
          "[run_on]") {
  loop_fixture fixture;
  for (const execution_site site : {execution_site::loop, execution_site::threads}) {
    for (const errc code : {errc::cancelled, errc::timed_out}) {
      fixture.answers.clear();
      fixture.call(site, std::make_unique<failing>(code));
      while (fixture.answers.empty()) fixture.loop.run_ready();
      CHECK(fixture.answers == diary{"invalid: too many digits"});
    }
  }
}

TEST_CASE("a computation is cancelled between two steps wherever it runs", "[run_on]") {
  for (const execution_site site : {execution_site::loop, execution_site::threads}) {
    loop_fixture fixture;
    const auto notes = std::make_shared<endless_notes>();
    const task_id id = fixture.call(site, std::make_unique<endless>(notes));
    loop::deadline stop{fixture.loop, [&] { fixture.loop.cancel(id); }};
    stop.set(fixture.loop.now() + seconds{1});
    // An endless computation on the loop is always ready: the clock has to be moved from within.
    fixture.loop.post_from_any_thread([&] {
      if (site == execution_site::loop) stop.set(fixture.loop.now());
    });
    if (site == execution_site::threads) {
      fixture.loop.run_ready();
      notes->wait_until_begun();
      fixture.loop.advance(seconds{1});
    }
    while (fixture.answers.empty()) fixture.loop.run_ready();
    CHECK(fixture.answers == diary{"cancelled: it was cancelled"});
    CHECK(notes->gone);
  }
}

TEST_CASE("a computation that is late is stopped wherever it runs", "[run_on]") {
  loop_fixture fixture;
  const auto on_loop = std::make_shared<endless_notes>();
  const auto on_thread = std::make_shared<endless_notes>();
  fixture.call(execution_site::threads, std::make_unique<endless>(on_thread), fixture.loop.now() + seconds{1});
  fixture.loop.run_ready();
  on_thread->wait_until_begun();
  fixture.loop.advance(seconds{1});
  while (fixture.answers.empty()) fixture.loop.run_ready();
  fixture.call(execution_site::loop, std::make_unique<endless>(on_loop), fixture.loop.now());
  fixture.loop.run_ready();
  CHECK(fixture.answers == diary(2, "timed out: the time for it ran out"));
  CHECK(on_loop->gone);
  CHECK(on_thread->gone);
}

TEST_CASE("the pool's options say what is allowed", "[pool_options]") {
  const options_of<pool_options>& table = pool_option_table();
  pool_options options;
  REQUIRE(table.find("threads") != nullptr);
  CHECK(table.find("threads")->read(&options, "4"));
  CHECK(options.threads == 4);
  CHECK_FALSE(table.find("threads")->read(&options, "5000"));
  CHECK(table.find("backlog_max")->read(&options, "100k"));
  CHECK(options.backlog_max == 100'000);
  CHECK_FALSE(table.find("backlog_max")->read(&options, "0"));
  REQUIRE(table.find("processes") != nullptr);
  CHECK(table.find("processes")->read(&options, "3"));
  CHECK(options.processes == 3);
  CHECK_FALSE(table.find("processes")->read(&options, "257"));
}

}  // namespace millrace::offload
