#include <algorithm>
#include <stdexcept>

#include "support/catch.hpp"
#include "workload/job_name.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using engine::outcome;
using testing::workload_fixture;

TEST_CASE("a job goes from its source through its handler and is gone") {
  workload_fixture fixture;
  fixture.producer("three", {.queue = "numbers"}, testing::numbers_to(3));
  fixture.consumer("note", {.queue = {"numbers"}}, testing::quick_kind(fixture.note()));
  fixture.start();

  CHECK(fixture.seen == std::vector<std::string>{"1", "2", "3"});
  CHECK(fixture.levels("numbers").jobs() == 0);
  CHECK(fixture.outcomes(0, outcome::ok) == 3);
  CHECK(fixture.jobs.consumers()[0]->active == 0);
}

TEST_CASE("a handler gets the job's id, its queue and the number of the attempt") {
  workload_fixture fixture;
  const auto queue = fixture.queue("numbers");
  handlers::job seen;
  fixture.consumer("note", {.queue = {"numbers"}},
                   testing::quick_kind([&](const handlers::job& work) -> handlers::answer {
                     seen = work;
                     return std::nullopt;
                   }));
  fixture.put(queue, "a");
  fixture.broker.watch(fixture.session, "numbers").value();
  const auto taken = fixture.broker.try_reserve(fixture.session, engine::lease::unlimited).answer;
  static_cast<void>(fixture.broker.release(fixture.session, taken.job.job, 0, {}));
  fixture.start();

  CHECK(seen.id == taken.job.job);
  CHECK(seen.queue == "numbers");
  CHECK(seen.attempt == 2);
  CHECK(seen.content.view() == "a");
}

TEST_CASE("a consumer serves several queues by priority, then by age, in whichever order they are listed") {
  workload_fixture fixture;
  const auto a = fixture.queue("a");
  const auto b = fixture.queue("b");
  fixture.put(a, "1");
  fixture.put(b, "2");
  fixture.put(a, "3");
  fixture.put(b, "urgent", {}, 0);
  const std::vector<std::string> order =
      GENERATE(std::vector<std::string>{"a", "b"}, std::vector<std::string>{"b", "a"});
  fixture.consumer("note", {.queue = order}, testing::quick_kind(fixture.note()));
  fixture.start();

  CHECK(fixture.seen == std::vector<std::string>{"urgent", "1", "2", "3"});
}

TEST_CASE("as many jobs wait at the same time as the consumer has slots") {
  workload_fixture fixture;
  fixture.producer("ten", {.queue = "numbers"}, testing::numbers_to(10));
  fixture.consumer("slow", {.queue = {"numbers"}, .concurrency = 4}, testing::waiting_kind(seconds{1}, fixture.note()));
  fixture.start();
  CHECK(fixture.jobs.consumers()[0]->active == 4);
  CHECK(fixture.levels("numbers").reserved == 4);

  fixture.loop.advance(seconds{1});
  CHECK(fixture.seen.size() == 4);
  fixture.loop.advance(seconds{2});
  CHECK(fixture.seen.size() == 10);
  CHECK(fixture.jobs.consumers()[0]->active == 0);
}

TEST_CASE("slots are tasks by name, and say what they wait for") {
  workload_fixture fixture;
  fixture.queue("numbers");
  fixture.consumer("slow", {.queue = {"numbers"}, .concurrency = 2}, testing::waiting_kind(seconds{1}, fixture.note()));
  fixture.start();

  const auto tasks = fixture.loop.tasks();
  const auto slot = std::find_if(tasks.begin(), tasks.end(), [](const auto& task) { return task.name == "slow#2"; });
  REQUIRE(slot != tasks.end());
  CHECK(slot->waits_for == "job");
}

TEST_CASE("a job with a name is shown by its task from its begin to its end, and one without is not") {
  workload_fixture fixture;
  const auto queue = fixture.queue("work");
  const auto name = handlers::job_template::parse("${json:/name}").value();
  fixture.consumer("named", {.queue = {"work"}, .concurrency = 3, .job_name = name},
                   testing::waiting_kind(seconds{1}, fixture.note()));
  fixture.put(queue, R"({"name": "Addition"})");
  fixture.start();
  fixture.loop.advance(milliseconds{100});
  fixture.put(queue, R"({"name": "a\u001b[31m\u0000b"})");
  fixture.put(queue, "no JSON");
  fixture.loop.run_ready();

  auto running = fixture.loop.tasks_with_named_jobs();
  REQUIRE(running.size() == 2);
  CHECK(running[0].job == "Addition");
  CHECK(running[0].job_age == milliseconds{100});
  CHECK(running[1].job == "a [31m b");
  CHECK(running[1].job_age == duration::zero());
  fixture.loop.advance(milliseconds{900});
  running = fixture.loop.tasks_with_named_jobs();
  REQUIRE(running.size() == 1);
  CHECK(running[0].job == "a [31m b");
  fixture.loop.advance(milliseconds{100});
  CHECK(fixture.loop.tasks_with_named_jobs().empty());
  CHECK(fixture.seen.size() == 3);
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
  workload_fixture fixture;
  const auto queue = fixture.queue("work");
  fixture.queue("questions");
  fixture.consumer("picky", {.queue = {"work"}}, testing::quick_kind([](const handlers::job& work) -> handlers::answer {
                     if (work.content.view() == "bad") return invalid("it is bad");
                     return std::nullopt;
                   }));
  std::vector<std::string> lines;
  fixture.consumer(
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
  for (const auto* const content : {"good", "bad", "good"}) fixture.put(queue, content);
  fixture.start();
  fixture.put(fixture.broker.find("questions").value(), "?");
  fixture.loop.run_ready();

  CHECK(lines == std::vector<std::string>{"picky 2 1", "asking 0 0"});
}

TEST_CASE("a failed job is buried with its error, and the next one is served") {
  workload_fixture fixture;
  const auto queue = fixture.queue("work");
  fixture.consumer("picky", {.queue = {"work"}}, testing::quick_kind([](const handlers::job& work) -> handlers::answer {
                     if (work.content.view() == "bad") return invalid("it is bad");
                     return std::nullopt;
                   }));
  fixture.put(queue, "bad");
  fixture.put(queue, "good");
  fixture.start();

  CHECK(fixture.outcomes(0, outcome::failed) == 1);
  CHECK(fixture.outcomes(0, outcome::ok) == 1);
  const auto buried = fixture.broker.engine().first_buried(queue);
  REQUIRE(buried);
  CHECK(buried->content.view() == "bad");
  CHECK(buried->error_text == "it is bad");
}

TEST_CASE("whatever a handler throws is that job's failure and nothing more") {
  workload_fixture fixture;
  const auto queue = fixture.queue("work");
  const testing::function thrower = [](const handlers::job& work) -> handlers::answer {
    if (work.content.view() == "throw") throw std::runtime_error{"it went wrong"};
    if (work.content.view() == "strange") throw 7;
    if (work.content.view() == "abort") throw boost::system::system_error{boost::asio::error::operation_aborted};
    return std::nullopt;
  };
  SECTION("a quick one") { fixture.consumer("c", {.queue = {"work"}}, testing::quick_kind(thrower)); }
  SECTION("one that waits") {
    fixture.consumer("c", {.queue = {"work"}}, testing::waiting_kind(milliseconds{1}, thrower));
  }
  for (const auto* const content : {"throw", "strange", "abort", "good"}) fixture.put(queue, content);
  fixture.start();
  fixture.loop.advance(seconds{1});

  CHECK(fixture.outcomes(0, outcome::failed) == 3);
  CHECK(fixture.outcomes(0, outcome::ok) == 1);
  CHECK(fixture.levels("work").buried == 3);
  CHECK(fixture.broker.engine().first_buried(queue)->error_text == "it went wrong");
}

TEST_CASE("a job that fails goes to the dead letters if there are any") {
  workload_fixture fixture;
  const auto queue = fixture.queue("work");
  fixture.put(queue, "a");
  fixture.consumer("fails", {.queue = {"work"}, .output = "out", .dead_letter = "dead"},
                   testing::quick_kind([](const handlers::job&) -> handlers::answer { return invalid("no"); }));
  fixture.start();

  CHECK(fixture.levels("work").jobs() == 0);
  CHECK(fixture.levels("out").jobs() == 0);
  CHECK(fixture.levels("dead").jobs() == 1);
  CHECK(fixture.outcomes(0, outcome::failed) == 1);
}

TEST_CASE("a slot that is cancelled from outside gives its job back") {
  workload_fixture fixture;
  const auto queue = fixture.queue("work");
  fixture.put(queue, "a");
  fixture.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{9}, fixture.note()));
  fixture.start();
  REQUIRE(fixture.levels("work").reserved == 1);

  fixture.loop.cancel(fixture.loop.tasks().back().id);
  fixture.loop.run_ready();

  CHECK(fixture.levels("work").ready == 1);
  CHECK(fixture.outcomes(0, outcome::cancelled) == 1);
  CHECK(fixture.jobs.consumers()[0]->active == 0);
}
