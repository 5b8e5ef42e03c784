// The workloads of config/tutorial print what their comments say, in that order and at those times.

#include <algorithm>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "tutorial_program.hpp"

namespace millrace::testing {
namespace {

using lines = std::vector<std::string>;
using workload::mode;

void check(const std::string& name, mode run_mode, const lines& expected, long long milliseconds) {
  INFO(name);
  const auto seen = run_tutorial(name, run_mode);
  CHECK(seen.lines == expected);
  CHECK(seen.milliseconds == milliseconds);
}

TEST_CASE("a delayed print comes when it is due") { check("hello", mode::as_set, {"2000 Python Exercises!"}, 2000); }

TEST_CASE("coroutines wait at the same time, and in sequence one after another") {
  check("three-names", mode::as_set, {"1000 Ann", "2000 Bob", "3000 Cid"}, 3000);
  check("three-names", mode::sequential, {"6000 Ann", "6000 Bob", "6000 Cid"}, 6000);
}

TEST_CASE("one coroutine keeps the order of its numbers") {
  check("numbers", mode::as_set, {"1000 1", "2000 2", "3000 3", "4000 4", "5000 5", "6000 6", "7000 7"}, 7000);
}

TEST_CASE("numbers that wait as long as they are large are sorted") {
  check("sleep-sort", mode::as_set, {"100 1", "200 2", "300 3", "500 5", "800 8", "900 9"}, 900);
}

TEST_CASE("two orders take two seconds one by one, and one second together") {
  check("orders", mode::as_set,
        {"1000 Order complete: coffee, one by one", "2000 Order complete: tea, one by one",
         "3000 Order complete: coffee, together", "3000 Order complete: tea, together"},
        3000);
}

TEST_CASE("tasks end in the order of their lengths and are gathered in the order of their puts") {
  check("arithmetic", mode::as_set,
        {"1000 Multiplication Result : 200", "3000 Addition Result : 30", "5000 Division Result : 2.0",
         "7000 Subtraction Result : 10",
         std::string{"7000 gathered: Addition Result : 30, Multiplication Result : 200, Division Result : 2.0, "} +
             "Subtraction Result : 10"},
        7000);
}

TEST_CASE("tasks are listed by name while they run, and no longer when they have ended") {
  check("task-names", mode::as_set,
        {R"(100 running: ["Addition","Subtraction","Division","Multiplication"])", "7000 running: []"}, 7000);
}

TEST_CASE("a job that waits for the result of another gets it when that ends") {
  check("future", mode::as_set, {"2000 future is resolved"}, 2000);
}

TEST_CASE("a set of tasks is awaited until the first is done, until the first fails, or until all have ended") {
  check("wait", mode::as_set,
        {"1000 FIRST_COMPLETED: ok pending pending", "2000 FIRST_EXCEPTION: ok timeout pending",
         "3000 ALL_COMPLETED: ok ok ok"},
        3000);
}

TEST_CASE("a task that lost the race is cancelled at its await") {
  check("cancel", mode::as_set, {"1000 the first is ok, the second is cancelled"}, 1000);
}

TEST_CASE("a job that is late makes way for the next") {
  check("timeout", mode::as_set, {"1000 timed out: 1h", "1500 done after 500ms"}, 1500);
}

TEST_CASE("producers and consumers share a bounded queue, and each item is consumed once") {
  auto seen = run_tutorial("producers-consumers").lines;
  REQUIRE(seen.size() == 30);
  std::vector<int> items;
  items.reserve(seen.size());
  for (const auto& line : seen) items.push_back(std::stoi(line.substr(line.rfind(' '))));
  std::ranges::sort(items);
  for (int item = 1; item <= 30; ++item) CHECK(items[static_cast<std::size_t>(item - 1)] == item);
}

TEST_CASE("two workers share a queue on the loop, and one does all of it in sequence") {
  check("two-workers-one-queue", mode::as_set,
        {"1000 Task Two total: 10", "1500 Task One total: 15", "1500 Task Two total: 5", "1700 Task One total: 2",
         "1700 Task One: 2", "1700 Task Two: 2"},
        1700);
  check("two-workers-one-queue", mode::sequential,
        {"1500 Task One total: 15", "2500 Task One total: 10", "3000 Task One total: 5", "3200 Task One total: 2",
         "3200 Task One: 4", "3200 Task Two: nothing to do"},
        3200);
}

TEST_CASE("three countdowns interleave on the loop and follow one another in sequence") {
  check("countdown", mode::as_set,
        {"500 C = 3", "800 B = 3", "1000 A = 3", "1000 C = 2", "1500 C = 1", "1600 B = 2", "2000 A = 2", "2400 B = 1",
         "3000 A = 1"},
        3000);
  check("countdown", mode::sequential,
        {"1000 A = 3", "2000 A = 2", "3000 A = 1", "3800 B = 3", "4600 B = 2", "5400 B = 1", "5900 C = 3", "6400 C = 2",
         "6900 C = 1"},
        6900);
}

TEST_CASE("slices let short computations end before a long one that began earlier") {
  check("primes", mode::as_set,
        {"0 427920331 is a prime number.", "0 157 is a prime number.", "0 9637529763296797 is a prime number."}, 0);
  check("primes", mode::sequential,
        {"0 9637529763296797 is a prime number.", "0 427920331 is a prime number.", "0 157 is a prime number."}, 0);
}

TEST_CASE("a kitchen that overlaps its dishes takes 17 minutes, with the main course first 15, else 28") {
  check("kitchen", mode::as_set, {"500 soup is ready", "1500 cake is ready", "1700 roast is ready"}, 1700);
  check("kitchen", mode::sequential, {"2800 soup is ready", "2800 roast is ready", "2800 cake is ready"}, 2800);
  check("kitchen-main-first", mode::as_set, {"1300 cake is ready", "1300 soup is ready", "1500 roast is ready"}, 1500);
}

}  // namespace
}  // namespace millrace::testing
