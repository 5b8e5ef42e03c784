// Pools of worker processes: what a process receives, how many jobs it gets, and how much memory it may use.
#include <cstdint>
#include <string>
#include <vector>

#include <millrace/loop/deadline.hpp>

#include "offload/work_length.hpp"
#include "offload/worker_pool_fixture.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::offload;

TEST_CASE("a worker with `cancels` goes on after a cancellation, also with a single job") {
  pool_fixture fixture{"while read -r job; do case \"$job\" in *cancel*) ;; *) " +
                           std::string{R"(id=${job#*:}; id=${id%%,*}; esac; )"} +
                           R"(case "$job" in *hang*) ;; *) echo "{\"id\":$id,\"ok\":true}";; esac; done)",
                       {.kill_after = minutes{5}, .cancels = true}};
  fixture.withdraw(fixture.put(1, "hang"));
  fixture.put(2);
  fixture.run();
  CHECK(fixture.answers == std::vector<std::string>{"2 done -"});
  CHECK(fixture.restarts(worker_end::cancelled) == 0);
}

TEST_CASE("a worker that does not answer for a cancelled job is ended, and its other jobs are interrupted") {
  pool_fixture fixture{forever(R"([ "$body" != hang ] || sleep 600; echo "{\"id\":$id,\"ok\":true}")"),
                       {.in_flight = 2, .kill_after = milliseconds{100}, .cancels = true}};
  fixture.withdraw(fixture.put(1, "hang"));
  fixture.put(2);
  fixture.run();
  CHECK(fixture.answers == std::vector<std::string>{"2 interrupted"});
  CHECK(fixture.restarts(worker_end::cancelled) == 1);
}

TEST_CASE("a worker that has only a cancelled job is ended earlier, so that the next job need not wait") {
  pool_fixture fixture{forever(R"([ "$body" != hang ] || sleep 600; echo "{\"id\":$id,\"ok\":true}")"),
                       {.kill_after = minutes{5}, .kill_alone_after = milliseconds{50}, .cancels = true}};
  fixture.withdraw(fixture.put(1, "hang"));
  fixture.put(2);
  fixture.run();
  CHECK(fixture.answers == std::vector<std::string>{"2 done -"});
  CHECK(fixture.restarts(worker_end::cancelled) == 1);
}

TEST_CASE("a worker that has another job as well has all of its time to answer for a cancelled one") {
  pool_fixture fixture{
      forever(R"([ "$body" != hang ] || sleep 0.3; echo "{\"id\":$id,\"ok\":true}")"),
      {.in_flight = 2, .kill_after = minutes{5}, .kill_alone_after = milliseconds{1}, .cancels = true}};
  fixture.withdraw(fixture.put(1, "hang"));
  fixture.put(2);
  fixture.run();
  CHECK(fixture.answers == std::vector<std::string>{"2 done -"});
  CHECK(fixture.restarts(worker_end::cancelled) == 0);
}

TEST_CASE("a worker that uses too much memory is killed, and its only job fails with the limit") {
  pool_fixture fixture{
      forever(R"(if [ "$body" = grow ]; then x=$(head -c 100000000 /dev/zero | tr '\0' x); sleep 600; fi; )"
              R"(echo "{\"id\":$id,\"ok\":true}")"),
      {.description = "the computing process",
       .memory_max = std::uint64_t{50} << 20U,
       .memory_setting = "process_memory_max"}};
  fixture.put(1, "grow");
  fixture.put(2);
  fixture.run();
  CHECK(fixture.answers == std::vector<std::string>{"1 over the limit", "2 done -"});
  CHECK(fixture.restarts(worker_end::limit) == 1);
  REQUIRE(fixture.problems.size() == 1);
  CHECK(fixture.problems[0].starts_with("the computing process: process "));
  CHECK(fixture.problems[0].find(" of memory, more than process_memory_max (50MiB)") != std::string::npos);
}

TEST_CASE("of several jobs in a worker that uses too much memory all are interrupted") {
  pool_fixture fixture{
      forever(R"([ "$body" != grow ] || { x=$(head -c 100000000 /dev/zero | tr '\0' x); sleep 600; })"),
      {.in_flight = 2, .memory_max = std::uint64_t{50} << 20U}};
  fixture.put(1, "hold");
  fixture.put(2, "grow");
  fixture.run();
  CHECK(fixture.answers == std::vector<std::string>{"1 interrupted", "2 interrupted"});
}

TEST_CASE("a worker that computes too long for its job is ended, the job fails with the limit, and others go on") {
  pool_fixture fixture{forever(R"([ "$body" != spin ] || while :; do :; done; echo "{\"id\":$id,\"ok\":true}")"),
                       {.kill_after = milliseconds{100}, .cpu_max = milliseconds{200}}};
  fixture.put(1, "spin");
  fixture.put(2);
  fixture.run();
  CHECK(fixture.answers == std::vector<std::string>{"1 over the limit", "2 done -"});
  CHECK(fixture.restarts(worker_end::limit) == 1);
  REQUIRE(fixture.problems.size() == 1);
  CHECK(fixture.problems[0].starts_with("the worker sh: process "));
  CHECK(fixture.problems[0].find(" (sh) and its group use ") != std::string::npos);
  CHECK(fixture.problems[0].ends_with(" of processor time, more than cpu_max (200ms)"));
}

TEST_CASE("of several jobs in a worker that computes too long the one that it has had longest fails") {
  pool_fixture fixture{forever(R"([ "$body" != spin ] || while :; do :; done)"),
                       {.in_flight = 2, .cpu_max = milliseconds{200}, .cpu_setting = "process_cpu_max"}};
  fixture.put(1, "hold");
  fixture.put(2, "spin");
  fixture.run();
  CHECK(fixture.answers == std::vector<std::string>{"1 over the limit", "2 interrupted"});
  REQUIRE(fixture.problems.size() == 2);
  CHECK(fixture.problems[0].ends_with(" of processor time, more than process_cpu_max (200ms)"));
}

TEST_CASE("a worker gets as many jobs as fill the work in hand, and one whose length is not known alone") {
  work_length known;
  known.note(milliseconds{1});
  work_length unknown;
  const auto most_jobs_of = [](const work_length& length) {
    pool_fixture fixture{forever(R"([ "$id" != 6 ] || sleep 600; echo "{\"id\":$id,\"ok\":true}")"),
                         {.in_flight = 10, .work_in_hand = milliseconds{3}}};
    std::uint64_t pending = 0;
    const auto put_one = [&](std::uint64_t id) -> loop::awaitable<> {
      auto running =
          fixture.pool->run({.id = job_id{id}, .queue = "q", .attempt = 1, .content = {}, .length = &length});
      co_await std::move(running);
    };
    const auto cancel_all = [&](std::vector<task_id> tasks) -> loop::awaitable<> {
      while (fixture.host.counts().workers.pool.busy == 0) co_await loop::yield(fixture.loop);
      pending = fixture.host.counts().workers.pool.pending;
      for (const auto task : tasks) fixture.loop.cancel(task);
    };
    std::vector<task_id> tasks;
    for (std::uint64_t id = 6; id < 12; ++id) tasks.push_back(fixture.jobs.spawn("job", put_one(id)));
    fixture.jobs.spawn("cancel", cancel_all(tasks));
    fixture.run();
    return 6 - pending;
  };
  CHECK(most_jobs_of(known) == 3);
  CHECK(most_jobs_of(unknown) == 1);
}
