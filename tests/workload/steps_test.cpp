// Handlers that are done one after another for one job.
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <millrace/handlers/job_template.hpp>

#include "support/catch.hpp"
#include "workload/steps.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using engine::outcome;
using testing::computing_kind;
using testing::echo_kind;
using testing::quick_kind;
using testing::waiting_kind;
using testing::workload_fixture;

namespace {

/// Answers with a text that is made from the job.
testing::function filled(std::string_view text) {
  return [made = handlers::job_template::parse(text).value()](const handlers::job& work) -> handlers::answer {
    return made.fill(work);
  };
}

/// Notes a text that is made from the job, and answers with nothing.
testing::function noting(std::vector<std::string>& seen, std::string_view text) {
  return [&seen, made = handlers::job_template::parse(text).value()](const handlers::job& work) -> handlers::answer {
    seen.push_back(made.fill(work).value());
    return std::nullopt;
  };
}

std::string error_in(const workload_fixture& fixture, queue_id queue) {
  const auto buried = fixture.broker.engine().first_buried(queue);
  REQUIRE(buried);
  return std::string{buried->error_text};
}

loop::awaitable<> cancel_in_next_turn(workload_fixture& fixture, job_id job) {
  co_await loop::yield(fixture.loop);
  static_cast<void>(fixture.broker.cancel(job));
}

}  // namespace

TEST_CASE("each step sees what the step before gave, and the last result is that of the job") {
  workload_fixture fixture;
  const auto queue = fixture.queue("in");
  fixture.queue("out");
  fixture.consumer_with_steps("steps", {.queue = {"in"}, .output = "out"},
                              {quick_kind(filled("<${result}>")), waiting_kind(seconds{1}, filled("${body}:${result}")),
                               quick_kind(noting(fixture.seen, "${result}")), echo_kind()});
  fixture.consumer("end", {.queue = {"out"}}, quick_kind(fixture.note()));
  fixture.put(queue, "a");
  fixture.start();
  CHECK(fixture.seen.empty());
  fixture.loop.advance(seconds{1});

  CHECK(fixture.seen == std::vector<std::string>{"a:<a>", "a:<a>"});
  CHECK(fixture.outcomes(0, outcome::ok) == 1);
}

TEST_CASE("steps that give nothing pass the body on") {
  workload_fixture fixture;
  const auto queue = fixture.queue("in");
  fixture.queue("out");
  fixture.consumer_with_steps(
      "steps", {.queue = {"in"}, .output = "out"},
      {quick_kind(noting(fixture.seen, "${result}")), quick_kind(noting(fixture.seen, "${result}"))});
  fixture.consumer("end", {.queue = {"out"}}, quick_kind(fixture.note()));
  fixture.put(queue, "a");
  fixture.start();
  CHECK(fixture.seen == std::vector<std::string>{"a", "a", "a"});
}

TEST_CASE("steps are repeated, and know their round and the time since the begin") {
  workload_fixture fixture;
  const auto queue = fixture.queue("in");
  fixture.consumer_with_steps("steps", {.queue = {"in"}, .concurrency = 2, .repeat = 3},
                              {waiting_kind(milliseconds{1500}, filled("${result}+")),
                               quick_kind(noting(fixture.seen, "${n} ${left} ${elapsed} ${result}"))});
  fixture.put(queue, "a");
  fixture.start();
  fixture.loop.advance(milliseconds{500});
  fixture.put(queue, "b");
  fixture.loop.run_ready();
  fixture.loop.advance(seconds{5});

  CHECK(fixture.seen == std::vector<std::string>{"1 3 1.5s a+", "1 3 1.5s b+", "2 2 3s a++", "2 2 3s b++",
                                                 "3 1 4.5s a+++", "3 1 4.5s b+++"});
  CHECK(fixture.outcomes(0, outcome::ok) == 2);
}

TEST_CASE("one handler can be repeated, too") {
  workload_fixture fixture;
  const auto queue = fixture.queue("in");
  fixture.consumer("again", {.queue = {"in"}, .repeat = 3}, quick_kind(noting(fixture.seen, "${body} ${n}")));
  fixture.put(queue, "a");
  fixture.start();
  CHECK(fixture.seen == std::vector<std::string>{"a 1", "a 2", "a 3"});
}

TEST_CASE("a step that fails ends the attempt, and the error names the step") {
  workload_fixture fixture;
  const auto queue = fixture.queue("in");
  fixture.consumer_with_steps("steps", {.queue = {"in"}, .repeat = 2},
                              {quick_kind(noting(fixture.seen, "first ${n}")),
                               waiting_kind(seconds{1},
                                            [](const handlers::job& work) {
                                              return work.steps->round == 2 ? handlers::answer{invalid("it is bad")}
                                                                            : std::nullopt;
                                            }),
                               quick_kind(noting(fixture.seen, "last ${n}"))});
  fixture.put(queue, "a");
  fixture.start();
  fixture.loop.advance(seconds{5});
  CHECK(fixture.seen == std::vector<std::string>{"first 1", "last 1", "first 2"});
  CHECK(error_in(fixture, queue) == "step 2 (waiting), round 2: it is bad");
  CHECK(fixture.outcomes(0, outcome::failed) == 1);
}

TEST_CASE("a step that rejects, wants the job later or was interrupted decides for the whole attempt") {
  for (const auto& [answer, expected] : std::vector<std::pair<handlers::answer, std::string>>{
           {rejected("never"), "buried"},
           {handlers::answer::later(seconds{3}), "delayed"},
           {handlers::answer::interrupted("its process died"), "again"}}) {
    CAPTURE(expected);
    workload_fixture fixture;
    const auto queue = fixture.queue("in");
    fixture.consumer_with_steps(
        "steps",
        {.queue = {"in"},
         .retry = engine::retry_options{.attempts = 3, .first = hours{1}, .max = hours{1}, .jitter = 0}},
        {quick_kind(noting(fixture.seen, "attempt ${attempt}")),
         quick_kind([first_answer = answer](const handlers::job& work) {
           return work.attempt == 1 ? first_answer : handlers::answer{std::nullopt};
         })});
    fixture.put(queue, "a");
    fixture.start();
    if (expected == "buried") {
      CHECK(error_in(fixture, queue) == "step 2 (quick): never");
      CHECK(fixture.seen.size() == 1);
    } else if (expected == "delayed") {
      CHECK(fixture.levels("in").delayed == 1);
      fixture.loop.advance(seconds{3});
      CHECK(fixture.seen == std::vector<std::string>{"attempt 1", "attempt 2"});
    } else {
      CHECK(fixture.seen == std::vector<std::string>{"attempt 1", "attempt 2"});
    }
  }
}

TEST_CASE("one timeout bounds all steps, and names the one that did not end") {
  workload_fixture fixture;
  const auto queue = fixture.queue("in");
  fixture.consumer_with_steps("steps", {.queue = {"in"}, .timeout = seconds{1}},
                              {waiting_kind(milliseconds{600}, noting(fixture.seen, "one")),
                               waiting_kind(milliseconds{600}, noting(fixture.seen, "two"))});
  fixture.put(queue, "a");
  fixture.start();
  fixture.loop.advance(seconds{1});
  CHECK(fixture.seen == std::vector<std::string>{"one"});
  CHECK(fixture.outcomes(0, outcome::timeout) == 1);
  CHECK(error_in(fixture, queue) == "step 2 (waiting): no answer within 1s");
}

TEST_CASE("a timeout that is over between two steps lets no further step begin") {
  workload_fixture fixture{{}, loop::clock_kind::real};
  fixture.producer("one", {.queue = "in"}, testing::numbers_to(1));
  fixture.queue("in");
  fixture.consumer_with_steps(
      "steps", {.queue = {"in"}, .timeout = milliseconds{1}},
      {quick_kind([](const handlers::job&) -> handlers::answer {
         std::this_thread::sleep_for(milliseconds{2});  // no deadline fires while it holds the loop
         return std::nullopt;
       }),
       quick_kind(noting(fixture.seen, "two"))});
  fixture.run_until_idle();
  CHECK(fixture.seen.empty());
  CHECK(fixture.outcomes(0, outcome::timeout) == 1);
}

TEST_CASE("a job that is cancelled is cancelled within its step, and no further step begins") {
  workload_fixture fixture;
  const auto queue = fixture.queue("in");
  fixture.consumer_with_steps("steps", {.queue = {"in"}},
                              {waiting_kind(seconds{1}, noting(fixture.seen, "one ${body}")),
                               waiting_kind(seconds{1}, noting(fixture.seen, "two ${body}"))});
  fixture.put(queue, "a");
  fixture.put(queue, "b");
  fixture.start();
  fixture.loop.advance(milliseconds{1500});
  CHECK(fixture.broker.cancel(job_id{1}).answer);
  fixture.loop.run_ready();
  CHECK(fixture.outcomes(0, outcome::cancelled) == 1);
  fixture.loop.advance(seconds{2});
  CHECK(fixture.seen == std::vector<std::string>{"one a", "one b", "two b"});
}

TEST_CASE("steps that are repeated give other tasks their turns, and can be cancelled between two") {
  const auto [computes, rounds_max] =
      GENERATE(table<bool, unsigned>({{false, 10 * workload::steps::quick_steps_per_turn}, {true, 10}}));
  CAPTURE(computes);
  workload_fixture fixture;
  const auto queue = fixture.queue("in");
  unsigned rounds = 0;
  std::vector<handlers::kind> kinds{quick_kind([&rounds](const handlers::job&) -> handlers::answer {
    ++rounds;
    return std::nullopt;
  })};
  if (computes) kinds.push_back(echo_kind());
  fixture.consumer_with_steps("steps", {.queue = {"in"}, .repeat = 100'000}, std::move(kinds));
  fixture.put(queue, "a");
  fixture.try_start().value();
  fixture.scope.spawn("cancel", cancel_in_next_turn(fixture, job_id{1}));
  fixture.loop.run_ready();
  CHECK(fixture.outcomes(0, outcome::cancelled) == 1);
  CHECK(rounds > 0);
  CHECK(rounds < rounds_max);
}

TEST_CASE("a step that computes gets the result before it, on the loop and on threads") {
  for (const auto place : {offload::execution_site::loop, offload::execution_site::threads}) {
    workload_fixture fixture{{}, loop::clock_kind::real};
    fixture.queue("out");
    fixture.producer("one", {.queue = "in"}, testing::numbers_to(1));
    fixture.queue("in");
    fixture.consumer_with_steps(
        "steps", {.queue = {"in"}, .run_on = place, .output = "out"},
        {quick_kind(filled("${body}5")), computing_kind(), quick_kind(filled("${result} ${body}"))});
    fixture.consumer("end", {.queue = {"out"}}, quick_kind(fixture.note()));
    fixture.run_until_idle();
    CHECK(fixture.seen == std::vector<std::string>{"counted 1"});
  }
}

TEST_CASE("a large result goes from step to step") {
  workload_fixture fixture{{}, loop::clock_kind::real};
  const std::string large(offload::on_loop_bytes_max + 1, 'x');
  fixture.producer("one", {.queue = "in"}, testing::numbers_to(1));
  fixture.queue("in");
  std::size_t bytes = 0;
  fixture.consumer_with_steps("steps", {.queue = {"in"}},
                              {quick_kind([&large](const handlers::job&) -> handlers::answer { return large; }),
                               quick_kind([&bytes](const handlers::job& work) -> handlers::answer {
                                 bytes = work.content.size();
                                 return std::nullopt;
                               })});
  fixture.run_until_idle();
  CHECK(bytes == large.size());
}

TEST_CASE("in sequence all steps of a job are done before the next job begins") {
  workload_fixture fixture{{.run_mode = workload::mode::sequential}};
  const auto queue = fixture.queue("in");
  fixture.consumer_with_steps("steps", {.queue = {"in"}, .concurrency = 3, .repeat = 2},
                              {waiting_kind(seconds{1}, noting(fixture.seen, "${body}${n}"))});
  fixture.put(queue, "a");
  fixture.put(queue, "b");
  fixture.start();
  fixture.loop.advance(seconds{4});
  CHECK(fixture.seen == std::vector<std::string>{"a1", "a2", "b1", "b2"});
}
