#include "support/catch.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using testing::workload_fixture;

TEST_CASE("a workload is idle when all producers have ended and no served queue has a job ready, delayed or reserved") {
  workload_fixture fixture;
  fixture.producer("three", {.queue = "work"}, testing::numbers_to(3));
  fixture.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{1}, fixture.note()));
  fixture.watch_idle();
  fixture.start();
  fixture.loop.advance(nanoseconds{seconds{3}} - nanoseconds{1});
  CHECK_FALSE(fixture.idle);
  fixture.loop.advance(nanoseconds{1});
  CHECK(fixture.idle);
}

TEST_CASE("a workload is not idle while a producer has something to come") {
  workload_fixture fixture;
  fixture.producer("late", {.queue = "work"}, testing::source_of({duration{seconds{5}}, "a"}));
  fixture.consumer("quick", {.queue = {"work"}}, testing::quick_kind(fixture.note()));
  fixture.watch_idle();
  fixture.start();
  fixture.loop.advance(seconds{4});
  CHECK_FALSE(fixture.idle);
  fixture.loop.advance(seconds{1});
  CHECK(fixture.idle);
  CHECK(fixture.seen.size() == 1);
}

TEST_CASE("a delayed job is waited for where a consumer serves its queue, and not elsewhere") {
  workload_fixture fixture;
  fixture.put(fixture.queue("served"), "a", seconds{7});
  fixture.put(fixture.queue("unserved"), "b", hours{7});
  fixture.put(fixture.queue("nobody's"), "c");
  fixture.consumer("quick", {.queue = {"served"}}, testing::quick_kind(fixture.note()));
  fixture.watch_idle();
  fixture.start();
  fixture.loop.advance(seconds{6});
  CHECK_FALSE(fixture.idle);
  fixture.loop.advance(seconds{1});
  CHECK(fixture.idle);
}

TEST_CASE("a job that expires is waited for until then") {
  workload_fixture fixture;
  fixture.put(fixture.queue("work", {.expire_after = seconds{5}}), "a", hours{1});
  fixture.consumer("quick", {.queue = {"work"}}, testing::quick_kind(fixture.note()));
  fixture.watch_idle();
  fixture.start();
  CHECK_FALSE(fixture.idle);
  fixture.loop.advance(seconds{5});
  CHECK(fixture.idle);
  CHECK(fixture.seen.empty());
}

TEST_CASE("buried jobs are not waited for") {
  workload_fixture fixture;
  fixture.put(fixture.queue("work"), "a");
  fixture.consumer("fails", {.queue = {"work"}},
                   testing::quick_kind([](const handlers::job&) -> handlers::answer { return invalid("no"); }));
  fixture.watch_idle();
  fixture.start();

  CHECK(fixture.idle);
  CHECK(fixture.levels("work").buried == 1);
}

TEST_CASE("what is handed off to a served queue, or waits for capacity in one, is waited for") {
  workload_fixture fixture;
  fixture.queue("second", {.max_jobs = 1});
  fixture.producer("three", {.queue = "first"}, testing::numbers_to(3));
  fixture.consumer("copy", {.queue = {"first"}, .concurrency = 3, .output = "second"},
                   testing::waiting_kind(seconds{1}, fixture.note()));
  fixture.consumer("slow", {.queue = {"second"}}, testing::waiting_kind(seconds{2}, fixture.note()));
  fixture.watch_idle();
  fixture.start();
  fixture.loop.advance(nanoseconds{seconds{7}} - nanoseconds{1});
  CHECK_FALSE(fixture.idle);
  fixture.loop.advance(nanoseconds{1});
  CHECK(fixture.idle);
  CHECK(fixture.seen.size() == 6);
}

TEST_CASE("what runs on threads is waited for") {
  workload_fixture fixture{{}, loop::clock_kind::real};
  fixture.producer("forty", {.queue = "work"}, testing::numbers_to(40));
  fixture.consumer("count", {.queue = {"work"}, .run_on = offload::execution_site::threads, .concurrency = 4},
                   testing::computing_kind());
  fixture.run_until_idle();

  CHECK(fixture.outcomes(0, engine::outcome::ok) == 40);
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
  workload_fixture fixture;
  const auto queue = fixture.queue("work");
  fixture.put(queue, "a", seconds{5});
  fixture.put(queue, "b", seconds{5});
  const auto client = fixture.broker.open_session();
  struct taker final : broker::decision_taker {
    void on_decision(broker::decision&&) noexcept override {}
  } nobody;
  fixture.consumer("quick", {.queue = {"work"}}, testing::quick_kind(fixture.note()));
  for (const job_id job : {job_id{1}, job_id{2}})
    REQUIRE(fixture.broker.reserve_job(client, job, nobody).answer.status == engine::reserve_status::reserved);
  fixture.watch_idle();
  fixture.start();
  CHECK(fixture.broker.bury(client, job_id{1}, 0).answer);
  fixture.loop.run_ready();
  CHECK_FALSE(fixture.idle);
  CHECK(fixture.broker.erase(client, job_id{2}).answer);
  fixture.loop.run_ready();
  CHECK(fixture.idle);
}
