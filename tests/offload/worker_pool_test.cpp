// Pools of real processes: what one sees only from inside. The ways in which jobs end are in
// tests/system/worker_test.py.
#include "offload/worker_pool.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>
#include <millrace/loop/deadline.hpp>

#include "loop/child_launcher.hpp"
#include "loop/task_scope.hpp"
#include "offload/worker_host.hpp"
#include "offload/worker_pool_fixture.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::offload;

TEST_CASE("each job gets its own answer, from several workers with several jobs each") {
  pool_fixture fixture{forever(R"(echo "{\"id\":$id,\"ok\":true,\"result\":\"$body\"}")"),
                       {.workers = 2, .in_flight = 3}};
  std::vector<std::string> expected;
  for (std::uint64_t id = 10; id < 40; ++id) {
    fixture.put(id, "body " + std::to_string(id));
    expected.push_back(std::to_string(id) + " done body " + std::to_string(id));
  }
  fixture.run();
  CHECK(fixture.answers == expected);
  const auto& counts = fixture.host.counts().workers.pool;
  CHECK(counts.workers == 0);
  CHECK(counts.busy == 0);
  CHECK(counts.pending == 0);
  CHECK(counts.wait.count() == 30);
  CHECK(fixture.children.running() == 0);
  CHECK(std::ranges::all_of(fixture.host.counts().workers.restarts,
                            [](const counter& each) { return each.value() == 0; }));
}

TEST_CASE("an answer that a worker wrote before it ended counts") {
  pool_fixture fixture{next_job + R"(echo "{\"id\":$id,\"ok\":true}"; exit 1)", {}};
  fixture.put(1);
  fixture.run();
  CHECK(fixture.answers == std::vector<std::string>{"1 done -"});
}

TEST_CASE("a worker that answers and ends while the loop is busy leaves nothing to the next one") {
  const auto folder = make_folder();
  const std::string answer = R"(echo "{\"id\":$id,\"ok\":true}")";
  // The next one works for longer than `kill_after`.
  pool_fixture fixture{"cd " + folder.string() + "; " +
                           forever(R"([ "$body" != last ] || { : > taken; until [ -e go ]; do :; done; )" + answer +
                                   "; exit; }; sleep 0.6; " + answer),
                       {.kill_after = milliseconds{300}}};
  const auto block_until_it_has_ended = [&]() -> loop::awaitable<> {
    while (!std::filesystem::exists(folder / "taken")) co_await loop::yield(fixture.loop);
    std::ofstream{folder / "go"} << "";
    siginfo_t ended{};
    REQUIRE(::waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT) == 0);
  };
  const auto put_to_the_next = [&]() -> loop::awaitable<> {
    while (fixture.restarts(worker_end::exited) == 0) co_await loop::yield(fixture.loop);
    auto running = fixture.run_one(2, "long");
    co_await std::move(running);
  };
  fixture.put(1, "last");
  fixture.jobs.spawn("block", block_until_it_has_ended());
  fixture.jobs.spawn("next", put_to_the_next());
  fixture.run();
  std::filesystem::remove_all(folder);
  CHECK(fixture.answers == std::vector<std::string>{"1 done -", "2 done -"});
  CHECK(fixture.restarts(worker_end::protocol) == 0);
  CHECK(fixture.host.counts().workers.pool.busy_nanoseconds.value() > 0);
}

TEST_CASE("a worker that ends interrupts its own jobs only") {
  pool_fixture fixture{forever(R"([ "$body" != die ] || kill -9 $$; echo "{\"id\":$id,\"ok\":true}")"), {.workers = 2}};
  fixture.put(1, "die");
  fixture.put(2);
  fixture.put(3);
  fixture.run();
  CHECK(fixture.answers == std::vector<std::string>{"1 interrupted", "2 done -", "3 done -"});
}

TEST_CASE("the task that waits for a worker shows what the worker says of the job, until the job ends") {
  const auto folder = make_folder();
  const std::string long_text(300, 'x');
  pool_fixture fixture{"cd " + folder.string() + "; " +
                           forever(R"(printf '{"id":%s,"progress":"%s"}\n' "$id" "$body"; )"
                                   R"(until [ -e go ]; do sleep 0.01; done; printf '{"id":%s,"ok":true}\n' "$id")"),
                       {.workers = 2}};
  const auto progress_of = [&](task_id task) {
    for (const auto& one : fixture.loop.tasks()) {
      if (one.id == task) return one.progress;
    }
    return std::string{"gone"};
  };
  const auto watch = [&](task_id one, task_id other) -> loop::awaitable<> {
    while (progress_of(one).empty() || progress_of(other).empty()) co_await loop::yield(fixture.loop);
    CHECK(progress_of(one) == "half of it");
    CHECK(progress_of(other) == long_text.substr(0, progress_bytes_max));
    std::ofstream{folder / "go"} << "";
    fixture.progress_seen = true;
  };
  const auto run_and_look = [&]() -> loop::awaitable<> {
    auto running = fixture.run_one(1, "half\tof it");
    co_await std::move(running);
    for (const auto& one : fixture.loop.tasks()) CHECK((one.name != "first" || one.progress.empty()));
  };
  const auto first = fixture.jobs.spawn("first", run_and_look());
  fixture.jobs.spawn("watch", watch(first, fixture.put(2, long_text)));
  fixture.run();
  std::filesystem::remove_all(folder);
  CHECK(fixture.progress_seen);
  CHECK(fixture.answers == std::vector<std::string>{"1 done -", "2 done -"});
}

TEST_CASE("a job that is withdrawn ends its worker at once if it has no other") {
  pool_fixture fixture{forever(R"([ "$body" != hang ] || sleep 600; echo "{\"id\":$id,\"ok\":true}")"), {}};
  fixture.withdraw(fixture.put(1, "hang"));
  fixture.put(2);
  fixture.run();
  CHECK(fixture.answers == std::vector<std::string>{"2 done -"});
  CHECK(fixture.restarts(worker_end::cancelled) == 1);
}

TEST_CASE("a late answer for a withdrawn job is dropped, and its worker goes on") {
  const auto path = std::filesystem::temp_directory_path() / ("worker_pool_test_" + std::to_string(::getpid()));
  const std::string file = path.string();
  pool_fixture fixture{
      "until [ -e " + file + " ]; do sleep 0.01; done; " + forever(R"(echo "{\"id\":$id,\"ok\":true,\"result\":$$}")"),
      {.in_flight = 2, .kill_after = minutes{5}}};
  fixture.put(1);
  fixture.withdraw(fixture.put(2), file);
  fixture.put(3);
  fixture.run();
  REQUIRE(fixture.answers.size() == 2);
  CHECK(fixture.answers[0].starts_with("1 done "));
  CHECK(fixture.answers[1] == "3" + fixture.answers[0].substr(1));
  std::filesystem::remove(path);
  CHECK(fixture.restarts(worker_end::cancelled) == 0);
}

TEST_CASE("a worker with several jobs is ended when it does not answer for a withdrawn one") {
  pool_fixture fixture{forever(R"([ "$body" != hang ] || sleep 600; echo "{\"id\":$id,\"ok\":true}")"),
                       {.in_flight = 2, .kill_after = milliseconds{100}}};
  fixture.withdraw(fixture.put(1, "hang"));
  fixture.put(2);
  fixture.run();
  CHECK(fixture.answers == std::vector<std::string>{"2 interrupted"});
  CHECK(fixture.restarts(worker_end::cancelled) == 1);
}

TEST_CASE("a job that waits for the end of its earlier attempt does not hold up the jobs behind it") {
  // Answers for the held job when it has answered for another one.
  pool_fixture fixture{
      "held=; " + forever(R"(if [ "$body" = hold ]; then held=$id; else echo "{\"id\":$id,\"ok\":true}"; )"
                          R"([ -z "$held" ] || echo "{\"id\":$held,\"ok\":true}"; held=; fi)"),
      {.in_flight = 2, .kill_after = seconds{20}}};
  const auto first = fixture.put(1, "hold");
  const auto retry = [&]() -> loop::awaitable<> {
    while (fixture.host.counts().workers.pool.busy == 0) co_await loop::yield(fixture.loop);
    fixture.loop.cancel(first);
    fixture.put(1, "again");
    while (fixture.host.counts().workers.pool.pending == 0) co_await loop::yield(fixture.loop);
    auto running = fixture.run_one(2, "x");
    co_await std::move(running);
  };
  fixture.jobs.spawn("retry", retry());
  fixture.run();
  CHECK(fixture.answers == std::vector<std::string>{"1 done -", "2 done -"});
  CHECK(fixture.restarts(worker_end::cancelled) == 0);
}

TEST_CASE("a second answer for a job is no fault of the next one") {
  pool_fixture fixture{
      forever(R"(echo "{\"id\":$id,\"ok\":true}"; [ "$body" != twice ] || echo "{\"id\":$id,\"ok\":true}")"), {}};
  fixture.put(1, "twice");
  fixture.put(2);
  fixture.run();
  CHECK(fixture.answers[0] == "1 done -");
  CHECK((fixture.answers[1] == "2 done -" || fixture.answers[1] == "2 interrupted"));
}

TEST_CASE("a program that cannot be started interrupts the jobs that wait for it, one by one") {
  pool_fixture fixture{"", {.workers = 1}};
  worker_settings settings;
  settings.command.arguments = {"/no/such/program"};
  fixture.pool = fixture.host.make_pool(std::move(settings));
  fixture.put(1);
  fixture.put(2);
  fixture.run();
  CHECK(fixture.answers == std::vector<std::string>{"1 interrupted", "2 interrupted"});
  CHECK(fixture.restarts(worker_end::start_failed) >= 1);
}

TEST_CASE("a worker that cannot be started again leaves the jobs that wait to the others") {
  const auto folder = make_folder();
  const auto program = folder / "program";
  std::ofstream{program} << "#!/bin/sh\n"
                         << forever(R"(case "$body" in )"
                                    // Both run before the program is removed.
                                    R"(end) until [ -e "$0.held" ]; do sleep 0.01; done; rm "$0"; exit 1;; )"
                                    R"(hold) : > "$0.held"; until [ -e "$0.go" ]; do sleep 0.01; done;; )"
                                    R"(esac; echo "{\"id\":$id,\"ok\":true}")");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  pool_fixture fixture{"", {}};
  worker_settings settings;
  settings.command.arguments = {program.string()};
  settings.command.environment = loop::inherited_environment();
  settings.workers = 2;
  fixture.pool = fixture.host.make_pool(std::move(settings));
  const auto let_go_after_failures = [&]() -> loop::awaitable<> {
    while (fixture.restarts(worker_end::start_failed) < 2) co_await loop::yield(fixture.loop);
    std::ofstream{program.string() + ".go"} << "";
  };
  fixture.put(1, "hold");
  fixture.put(2, "end");
  fixture.put(3);
  fixture.jobs.spawn("go", let_go_after_failures());
  fixture.run();
  std::filesystem::remove_all(folder);
  CHECK(fixture.answers == std::vector<std::string>{"1 done -", "2 interrupted", "3 done -"});
}
