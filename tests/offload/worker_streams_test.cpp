// What worker processes read and write: long lines, and what buffers keep of them.
#include "offload/worker_streams.hpp"

#include <atomic>
#include <csignal>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <millrace/loop/deadline.hpp>

#include "offload/worker_pool_fixture.hpp"
#include "support/catch.hpp"
#include "wire/reused_text.hpp"

using namespace millrace;
using namespace millrace::offload;

namespace {

constexpr std::size_t large_bytes = std::size_t{1} << 20U;

/// Answers with as many bytes as the body says.
const std::string answer_with_bytes =
    R"(printf '{"id":%s,"ok":true,"result":"' $id; head -c $body /dev/zero | tr '\0' x; echo '"}')";

std::string line_with(std::size_t bytes) {
  return R"({"id":7,"ok":true,"result":")" + std::string(bytes, 'x') + "\"}\n";
}

/// Holds a thread until the test ends it.
class holding final : public computation {
 public:
  explicit holding(const std::atomic<bool>& over) : over_{over} {}
  progress step() override {
    over_.wait(false);
    return progress::done;
  }
  result<std::string> take_result() override { return std::string{}; }

 private:
  const std::atomic<bool>& over_;
};

/// `cat` between two sides of the same streams.
struct echo_fixture {
  loop::awaitable<> echo(std::vector<std::string> lines) {
    auto starting = children.start({{"/bin/cat"}, loop::inherited_environment(), {}});
    auto child = co_await std::move(starting);
    REQUIRE(child.has_value());
    worker_streams streams{
        loop,
        *child,
        &threads,
        2 * large_bytes,
        {.on_message = [this](wire::worker_message&& message) { sizes.push_back(message.result.value_or("").size()); },
         .on_malformed = [this](const wire::worker_message& message) { problem = message.text; },
         .on_closed = [] {}}};
    streams.start("cat");
    for (std::string& line : lines) streams.write_line(std::move(line));
    while (!streams.all_written() || (sizes.size() < lines.size() && problem.empty())) co_await loop::yield(loop);
    capacity = streams.capacity();
    child->close_input();
    auto ending = child->ended();
    co_await std::move(ending);
    auto finishing = streams.finish();
    co_await std::move(finishing);
    threads.close();
  }
  void run(std::vector<std::string> lines) {
    std::signal(SIGPIPE, SIG_IGN);
    tasks.spawn("echo", echo(std::move(lines)));
    loop.run();
  }

  loop::event_loop loop;
  loop::child_launcher children{loop};
  thread_pool threads{loop, {.threads = 1}};
  loop::task_scope tasks{loop};
  std::vector<std::size_t> sizes;
  std::string problem;
  std::size_t capacity{0};
};

}  // namespace

TEST_CASE("streams of a worker keep little memory after a large line, and go on") {
  echo_fixture fixture;
  fixture.run({line_with(10), line_with(large_bytes), line_with(20)});
  CHECK(fixture.sizes == std::vector<std::size_t>{10, large_bytes, 20});
  CHECK(fixture.capacity <= 3 * wire::reused_bytes_max);
}

TEST_CASE("streams of a worker keep little memory of a line that is too long") {
  echo_fixture fixture;
  fixture.run({line_with(2 * large_bytes)});
  CHECK(fixture.problem == "a line is longer than output_max (2MiB)");
  CHECK(fixture.capacity <= 3 * wire::reused_bytes_max);
}

TEST_CASE("a long answer is parsed on a thread, and a long job is written on one") {
  const bool is_long = GENERATE(false, true);
  pool_fixture fixture{forever(answer_with_bytes), {.output_max = 2 * large_bytes}};
  SECTION("an answer") {
    fixture.put(1, is_long ? "1000000" : "60000");
    fixture.run();
    CHECK(fixture.answers == std::vector<std::string>{"1 done " + std::string(is_long ? 1'000'000 : 60'000, 'x')});
  }
  SECTION("a job") {
    fixture.put(1, std::string(is_long ? on_loop_bytes_max : on_loop_bytes_max - 1, '0') + "7");
    fixture.run();
    CHECK(fixture.answers == std::vector<std::string>{"1 done xxxxxxx"});
  }
  CHECK(fixture.threads.counts().wait.count() == (is_long ? 1 : 0));
}

TEST_CASE("what a worker says behind a long answer comes after it") {
  pool_fixture fixture{
      "while true; do " + next_job + answer_with_bytes + "; " + next_job + R"(echo "{\"id\":$id,\"ok\":true}"; done)",
      {.in_flight = 2, .output_max = large_bytes}};
  std::vector<std::uint64_t> order;
  const auto note = [&](std::uint64_t id, std::string content) -> loop::awaitable<> {
    auto running = fixture.run_one(id, std::move(content));
    co_await std::move(running);
    order.push_back(id);
  };
  fixture.jobs.spawn("long", note(1, "500000"));
  fixture.jobs.spawn("short", note(2, "0"));
  fixture.run();
  CHECK(order == std::vector<std::uint64_t>{1, 2});
}

TEST_CASE("a worker that ends while a thread parses its answer has answered once") {
  pool_fixture fixture{next_job + answer_with_bytes + "; exit 3", {.output_max = large_bytes}};
  std::atomic<bool> has_ended{false};
  const auto hold_the_thread = [&]() -> loop::awaitable<> {
    auto holds = fixture.threads.run(std::make_unique<holding>(has_ended));
    const auto held = co_await std::move(holds);
    CHECK(held.has_value());
  };
  const auto release_after_the_end = [&]() -> loop::awaitable<> {
    while (fixture.host.counts().workers.pool.busy == 0) co_await loop::yield(fixture.loop);
    while (fixture.children.running() != 0) co_await loop::yield(fixture.loop);
    // Its streams have their turn to see the end.
    for (int turns = 0; turns < 10; ++turns) co_await loop::yield(fixture.loop);
    CHECK(fixture.answers.empty());
    has_ended = true;
    has_ended.notify_all();
  };
  fixture.jobs.spawn("hold", hold_the_thread());
  fixture.jobs.spawn("release", release_after_the_end());
  fixture.put(1, "500000");
  fixture.run();
  CHECK(fixture.answers == std::vector<std::string>{"1 done " + std::string(500'000, 'x')});
}

TEST_CASE("a long answer counts when the loop sees its last bytes and the end of the worker at once") {
  pool_fixture fixture{next_job + answer_with_bytes + "; exit 3", {.output_max = large_bytes}};
  const auto block_until_it_has_ended = [&]() -> loop::awaitable<> {
    while (fixture.host.counts().workers.pool.busy == 0) co_await loop::yield(fixture.loop);
    // In pieces of a pipe, so that the last one and the end come while the loop is blocked.
    siginfo_t ended{};
    // The loop may be quicker: then the next worker has started, and there is nothing to wait for.
    while (fixture.restarts(worker_end::exited) == 0 && ::waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT | WNOHANG) == 0 &&
           ended.si_pid == 0) {
      co_await loop::yield(fixture.loop);
      for (int i = 0; i < 1'000 && ended.si_pid == 0; ++i) ::waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT | WNOHANG);
    }
  };
  fixture.jobs.spawn("block", block_until_it_has_ended());
  fixture.put(1, "70000");
  fixture.run();
  CHECK(fixture.answers == std::vector<std::string>{"1 done " + std::string(70'000, 'x')});
}

TEST_CASE("a pool that is closed leaves long lines to the loop") {
  pool_fixture fixture{forever(answer_with_bytes), {.output_max = large_bytes}};
  fixture.threads.close();
  fixture.put(1, std::string(on_loop_bytes_max, '0') + "200000");
  fixture.run();
  CHECK(fixture.answers == std::vector<std::string>{"1 done " + std::string(200'000, 'x')});
}
