#include "support/catch.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using testing::workload_fixture;

TEST_CASE("it is idle when all producers have ended and no served queue has a job ready, delayed or reserved") {
  workload_fixture at;
  at.producer("three", {.queue = "work"}, testing::numbers_to(3));
  at.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{1}, at.note()));
  at.watch_idle();
  at.start();
  at.loop.advance(nanoseconds{seconds{3}} - nanoseconds{1});
  CHECK_FALSE(at.idle);
  at.loop.advance(nanoseconds{1});
  CHECK(at.idle);
}

TEST_CASE("a producer that has something to come keeps it from being idle") {
  workload_fixture at;
  at.producer("late", {.queue = "work"}, testing::source_of({duration{seconds{5}}, "a"}));
  at.consumer("quick", {.queue = {"work"}}, testing::quick_kind(at.note()));
  at.watch_idle();
  at.start();
  at.loop.advance(seconds{4});
  CHECK_FALSE(at.idle);
  at.loop.advance(seconds{1});
  CHECK(at.idle);
  CHECK(at.seen.size() == 1);
}

TEST_CASE("a delayed job is waited for where a consumer serves its queue, and not elsewhere") {
  workload_fixture at;
  at.put(at.queue("served"), "a", seconds{7});
  at.put(at.queue("unserved"), "b", hours{7});
  at.put(at.queue("nobody's"), "c");
  at.consumer("quick", {.queue = {"served"}}, testing::quick_kind(at.note()));
  at.watch_idle();
  at.start();
  at.loop.advance(seconds{6});
  CHECK_FALSE(at.idle);
  at.loop.advance(seconds{1});
  CHECK(at.idle);
}

TEST_CASE("a job that expires is waited for until then") {
  workload_fixture at;
  at.put(at.queue("work", {.expire_after = seconds{5}}), "a", hours{1});
  at.consumer("quick", {.queue = {"work"}}, testing::quick_kind(at.note()));
  at.watch_idle();
  at.start();
  CHECK_FALSE(at.idle);
  at.loop.advance(seconds{5});
  CHECK(at.idle);
  CHECK(at.seen.empty());
}

TEST_CASE("buried jobs are not waited for") {
  workload_fixture at;
  at.put(at.queue("work"), "a");
  at.consumer("fails", {.queue = {"work"}},
              testing::quick_kind([](const handlers::job&) -> handlers::answer { return invalid("no"); }));
  at.watch_idle();
  at.start();

  CHECK(at.idle);
  CHECK(at.levels("work").buried == 1);
}

TEST_CASE("what is handed off to a served queue, or waits for capacity in one, is waited for") {
  workload_fixture at;
  at.queue("second", {.max_jobs = 1});
  at.producer("three", {.queue = "first"}, testing::numbers_to(3));
  at.consumer("copy", {.queue = {"first"}, .concurrency = 3, .output = "second"},
              testing::waiting_kind(seconds{1}, at.note()));
  at.consumer("slow", {.queue = {"second"}}, testing::waiting_kind(seconds{2}, at.note()));
  at.watch_idle();
  at.start();
  at.loop.advance(nanoseconds{seconds{7}} - nanoseconds{1});
  CHECK_FALSE(at.idle);
  at.loop.advance(nanoseconds{1});
  CHECK(at.idle);
  CHECK(at.seen.size() == 6);
}

TEST_CASE("what runs on threads is waited for") {
  workload_fixture at{{}, loop::clock_kind::real};
  at.producer("forty", {.queue = "work"}, testing::numbers_to(40));
  at.consumer("count", {.queue = {"work"}, .run_on = offload::execution_site::threads, .concurrency = 4},
              testing::computing_kind());
  at.run_until_idle();

  CHECK(at.outcomes(0, engine::outcome::ok) == 40);
}

TEST_CASE("without producers and consumers it is idle at once, and a drain ends the waiting") {
  workload_fixture nothing;
  nothing.watch_idle();
  nothing.start();
  CHECK(nothing.idle);

  workload_fixture busy;
  busy.producer("endless", {.queue = "work", .rate = 1}, testing::endless_source());
  busy.watch_idle();
  busy.start();
  CHECK_FALSE(busy.idle);
  busy.drain(seconds{1});
  busy.loop.run_ready();
  CHECK(busy.idle);
}

TEST_CASE("a job that somebody else took and deleted, or buried, is not waited for any more") {
  workload_fixture at;
  const auto queue = at.queue("work");
  at.put(queue, "a", seconds{5});
  at.put(queue, "b", seconds{5});
  const auto client = at.broker.open_session();
  struct taker final : broker::decision_taker {
    void decided(broker::decision&&) noexcept override {}
  } nobody;
  at.consumer("quick", {.queue = {"work"}}, testing::quick_kind(at.note()));
  for (const job_id job : {job_id{1}, job_id{2}})
    REQUIRE(at.broker.reserve_job(client, job, nobody).answer.status == engine::reserve_status::reserved);
  at.watch_idle();
  at.start();
  CHECK(at.broker.bury(client, job_id{1}, 0).answer);
  at.loop.run_ready();
  CHECK_FALSE(at.idle);
  CHECK(at.broker.erase(client, job_id{2}).answer);
  at.loop.run_ready();
  CHECK(at.idle);
}
