#include <algorithm>
#include <stdexcept>

#include "support/catch.hpp"
#include "workload/job_name.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using engine::outcome;
using testing::workload_fixture;

TEST_CASE("a job goes from its source through its handler and is gone") {
  workload_fixture at;
  at.producer("three", {.queue = "numbers"}, testing::numbers_to(3));
  at.consumer("note", {.queue = {"numbers"}}, testing::quick_kind(at.note()));
  at.start();

  CHECK(at.seen == std::vector<std::string>{"1", "2", "3"});
  CHECK(at.levels("numbers").jobs() == 0);
  CHECK(at.outcomes(0, outcome::ok) == 3);
  CHECK(at.jobs.consumers()[0]->active == 0);
}

TEST_CASE("a handler gets the job's id, its queue and the number of the attempt") {
  workload_fixture at;
  const auto queue = at.queue("numbers");
  handlers::job seen;
  at.consumer("note", {.queue = {"numbers"}}, testing::quick_kind([&](const handlers::job& work) -> handlers::answer {
                seen = work;
                return std::nullopt;
              }));
  at.put(queue, "a");
  at.broker.watch(at.session, "numbers").value();
  const auto taken = at.broker.try_reserve(at.session, engine::lease::unlimited).answer;
  static_cast<void>(at.broker.release(at.session, taken.job.job, 0, {}));
  at.start();

  CHECK(seen.id == taken.job.job);
  CHECK(seen.queue == "numbers");
  CHECK(seen.attempt == 2);
  CHECK(seen.content.view() == "a");
}

TEST_CASE("a consumer serves several queues by priority, then by age, in whichever order they are listed") {
  workload_fixture at;
  const auto a = at.queue("a");
  const auto b = at.queue("b");
  at.put(a, "1");
  at.put(b, "2");
  at.put(a, "3");
  at.put(b, "urgent", {}, 0);
  const std::vector<std::string> order =
      GENERATE(std::vector<std::string>{"a", "b"}, std::vector<std::string>{"b", "a"});
  at.consumer("note", {.queue = order}, testing::quick_kind(at.note()));
  at.start();

  CHECK(at.seen == std::vector<std::string>{"urgent", "1", "2", "3"});
}

TEST_CASE("as many jobs wait at the same time as the consumer has slots") {
  workload_fixture at;
  at.producer("ten", {.queue = "numbers"}, testing::numbers_to(10));
  at.consumer("slow", {.queue = {"numbers"}, .concurrency = 4}, testing::waiting_kind(seconds{1}, at.note()));
  at.start();
  CHECK(at.jobs.consumers()[0]->active == 4);
  CHECK(at.levels("numbers").reserved == 4);

  at.loop.advance(seconds{1});
  CHECK(at.seen.size() == 4);
  at.loop.advance(seconds{2});
  CHECK(at.seen.size() == 10);
  CHECK(at.jobs.consumers()[0]->active == 0);
}

TEST_CASE("slots are tasks by name, and say what they wait for") {
  workload_fixture at;
  at.queue("numbers");
  at.consumer("slow", {.queue = {"numbers"}, .concurrency = 2}, testing::waiting_kind(seconds{1}, at.note()));
  at.start();

  const auto tasks = at.loop.tasks();
  const auto slot = std::find_if(tasks.begin(), tasks.end(), [](const auto& task) { return task.name == "slow#2"; });
  REQUIRE(slot != tasks.end());
  CHECK(slot->waits_for == "job");
}

TEST_CASE("a job with a name is shown by its task from its begin to its end, and one without is not") {
  workload_fixture at;
  const auto queue = at.queue("work");
  const auto name = handlers::job_template::parse("${json:/name}").value();
  at.consumer("named", {.queue = {"work"}, .concurrency = 3, .job_name = name},
              testing::waiting_kind(seconds{1}, at.note()));
  at.put(queue, R"({"name": "Addition"})");
  at.start();
  at.loop.advance(milliseconds{100});
  at.put(queue, R"({"name": "a\u001b[31m\u0000b"})");
  at.put(queue, "no JSON");
  at.loop.run_ready();

  auto running = at.loop.tasks_with_named_jobs();
  REQUIRE(running.size() == 2);
  CHECK(running[0].job == "Addition");
  CHECK(running[0].job_age == milliseconds{100});
  CHECK(running[1].job == "a [31m b");
  CHECK(running[1].job_age == duration::zero());
  at.loop.advance(milliseconds{900});
  running = at.loop.tasks_with_named_jobs();
  REQUIRE(running.size() == 1);
  CHECK(running[0].job == "a [31m b");
  at.loop.advance(milliseconds{100});
  CHECK(at.loop.tasks_with_named_jobs().empty());
  CHECK(at.seen.size() == 3);
}

TEST_CASE("the name of a job is cut after 100 bytes, between two characters") {
  const auto name_of = [](std::string_view text) {
    const auto name = handlers::job_template::parse("${body}").value();
    return workload::job_name_of(name, {job_id{1}, body{text}, "work"});
  };
  CHECK(name_of(std::string(100, 'x')) == std::string(100, 'x'));
  CHECK(name_of(std::string(101, 'x')) == std::string(100, 'x'));
  CHECK(name_of(std::string(99, 'x') + "\u00e9") == std::string(99, 'x'));
  CHECK(name_of("a\xffz") == "a z");
}

TEST_CASE("a handler can read how many jobs each consumer has done and has failed") {
  workload_fixture at;
  const auto queue = at.queue("work");
  at.queue("questions");
  at.consumer("picky", {.queue = {"work"}}, testing::quick_kind([](const handlers::job& work) -> handlers::answer {
                if (work.content.view() == "bad") return invalid("it is bad");
                return std::nullopt;
              }));
  std::vector<std::string> lines;
  at.consumer(
      "asking", {.queue = {"questions"}},
      {"asking", "", &testing::no_option_table(), false,
       [&lines](const void*, const handlers::handler_context& context) -> result<handlers::handler> {
         const auto note = [&lines, totals = context.totals](const handlers::job&) -> handlers::answer {
           for (const auto& consumer : totals())
             lines.push_back(std::string{consumer.name} + ' ' + std::to_string(consumer.done) + ' ' +
                             std::to_string(consumer.failed));
           return std::nullopt;
         };
         return handlers::handler{std::unique_ptr<handlers::quick_handler>{std::make_unique<testing::quick>(note)}};
       }});
  for (const auto* const content : {"good", "bad", "good"}) at.put(queue, content);
  at.start();
  at.put(at.broker.find("questions").value(), "?");
  at.loop.run_ready();

  CHECK(lines == std::vector<std::string>{"picky 2 1", "asking 0 0"});
}

TEST_CASE("a failed job is buried with its error, and the next one is served") {
  workload_fixture at;
  const auto queue = at.queue("work");
  at.consumer("picky", {.queue = {"work"}}, testing::quick_kind([](const handlers::job& work) -> handlers::answer {
                if (work.content.view() == "bad") return invalid("it is bad");
                return std::nullopt;
              }));
  at.put(queue, "bad");
  at.put(queue, "good");
  at.start();

  CHECK(at.outcomes(0, outcome::failed) == 1);
  CHECK(at.outcomes(0, outcome::ok) == 1);
  const auto buried = at.broker.engine().first_buried(queue);
  REQUIRE(buried);
  CHECK(buried->content.view() == "bad");
  CHECK(buried->error_text == "it is bad");
}

TEST_CASE("whatever a handler throws is that job's failure and nothing more") {
  workload_fixture at;
  const auto queue = at.queue("work");
  const testing::function thrower = [](const handlers::job& work) -> handlers::answer {
    if (work.content.view() == "throw") throw std::runtime_error{"it went wrong"};
    if (work.content.view() == "strange") throw 7;
    if (work.content.view() == "abort") throw boost::system::system_error{boost::asio::error::operation_aborted};
    return std::nullopt;
  };
  SECTION("a quick one") { at.consumer("c", {.queue = {"work"}}, testing::quick_kind(thrower)); }
  SECTION("one that waits") { at.consumer("c", {.queue = {"work"}}, testing::waiting_kind(milliseconds{1}, thrower)); }
  for (const auto* const content : {"throw", "strange", "abort", "good"}) at.put(queue, content);
  at.start();
  at.loop.advance(seconds{1});

  CHECK(at.outcomes(0, outcome::failed) == 3);
  CHECK(at.outcomes(0, outcome::ok) == 1);
  CHECK(at.levels("work").buried == 3);
  CHECK(at.broker.engine().first_buried(queue)->error_text == "it went wrong");
}

TEST_CASE("a job that fails goes to the dead letters if there are any") {
  workload_fixture at;
  const auto queue = at.queue("work");
  at.put(queue, "a");
  at.consumer("fails", {.queue = {"work"}, .output = "out", .dead_letter = "dead"},
              testing::quick_kind([](const handlers::job&) -> handlers::answer { return invalid("no"); }));
  at.start();

  CHECK(at.levels("work").jobs() == 0);
  CHECK(at.levels("out").jobs() == 0);
  CHECK(at.levels("dead").jobs() == 1);
  CHECK(at.outcomes(0, outcome::failed) == 1);
}

TEST_CASE("a slot that is cancelled from outside gives its job back") {
  workload_fixture at;
  const auto queue = at.queue("work");
  at.put(queue, "a");
  at.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{9}, at.note()));
  at.start();
  REQUIRE(at.levels("work").reserved == 1);

  at.loop.cancel(at.loop.tasks().back().id);
  at.loop.run_ready();

  CHECK(at.levels("work").ready == 1);
  CHECK(at.outcomes(0, outcome::cancelled) == 1);
  CHECK(at.jobs.consumers()[0]->active == 0);
}
