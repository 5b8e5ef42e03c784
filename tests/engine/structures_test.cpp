#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "engine/deadlines.hpp"
#include "engine/due_order.hpp"
#include "engine/job_table.hpp"
#include "engine/ready_order.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::engine;

TEST_CASE("a record of a job fits in 96 bytes") { CHECK(sizeof(job) <= 96); }

TEST_CASE("a job is found by its id from the day it is added to the day it is removed") {
  job_table jobs;
  std::mt19937_64 random{1};
  std::map<std::uint64_t, slot> there;
  std::uint64_t last = 0;
  for (int step = 0; step < 200'000; ++step) {
    // The table grows to tens of thousands of jobs, and then shrinks to almost none, with holes everywhere.
    if (there.empty() || random() % 100 < (step < 120'000 ? 75u : 30u)) {
      ++last;
      there[last] = jobs.add(job_id{last});
    } else {
      auto removed = there.lower_bound(random() % last);
      if (removed == there.end()) removed = there.begin();
      jobs.remove(removed->second);
      REQUIRE(jobs.find(job_id{removed->first}) == no_slot);
      there.erase(removed);
    }
  }
  REQUIRE(jobs.size() == there.size());
  for (std::uint64_t number = 1; number <= last + 10; ++number) {
    const auto expected = there.find(number);
    REQUIRE(jobs.find(job_id{number}) == (expected == there.end() ? no_slot : expected->second));
  }
}

TEST_CASE("the memory of records is returned when a backlog has gone, in whatever order it goes") {
  std::mt19937_64 random{3};
  for (const bool in_order : {true, false}) {
    job_table jobs;
    const auto before = jobs.bytes();
    std::vector<slot> there;
    for (std::uint64_t number = 1; number <= 100'000; ++number) there.push_back(jobs.add(job_id{number}));
    CHECK(jobs.bytes() >= before + 100'000 * sizeof(job));
    if (!in_order) std::ranges::shuffle(there, random);
    for (const slot place : there) jobs.remove(place);
    // The index, a spare page, and a few bytes for each former page remain.
    CHECK(jobs.bytes() <= before + std::size_t{100'000} * 5 + 1'024 * sizeof(job));
    // Dropped pages are used again.
    for (std::uint64_t number = 200'001; number <= 300'000; ++number) jobs.add(job_id{number});
    CHECK(jobs.size() == 100'000);
    CHECK(jobs.bytes() <= before + 100'000 * (sizeof(job) + 5) + 2'048 * sizeof(job));
  }
}

TEST_CASE("a record that comes and goes at the edge of a page allocates nothing") {
  job_table jobs;
  std::uint64_t last = 0;
  while (jobs.size() < 1'023) jobs.add(job_id{++last});  // fills the first page
  jobs.remove(jobs.add(job_id{++last}));
  const auto with_spare = jobs.bytes();
  for (int i = 0; i < 1'000; ++i) {
    const slot place = jobs.add(job_id{++last});
    CHECK(jobs.bytes() == with_spare);
    jobs.remove(place);
    CHECK(jobs.bytes() == with_spare);
  }
}

TEST_CASE("jobs left over at regular distances are all found") {
  job_table jobs;
  for (std::uint64_t number = 1; number <= 2'000'000; ++number) {
    const auto place = jobs.add(job_id{number});
    if (number % 1'024 != 7) jobs.remove(place);
  }
  CHECK(jobs.size() == 1'954);
  for (std::uint64_t number = 7; number <= 2'000'000; number += 1'024) REQUIRE(jobs.find(job_id{number}) != no_slot);
}

TEST_CASE("the ready order is that of (priority, id), whichever jobs join and leave") {
  job_table jobs;
  ready_order order;
  std::mt19937_64 random{2};
  std::map<std::pair<priority, std::uint64_t>, slot> inside;
  std::vector<slot> outside;
  std::uint64_t last = 0;
  for (int step = 0; step < 100'000; ++step) {
    if (const auto draw = random() % 10; draw < 4 || inside.empty()) {
      slot place = no_slot;
      if (!outside.empty() && random() % 2 == 0) {
        place = outside.back();
        outside.pop_back();
      } else {
        place = jobs.add(job_id{++last});
        jobs[place].priority = static_cast<priority>(random() % 12);
      }
      order.insert(jobs, place);
      inside[{jobs[place].priority, jobs[place].id.value()}] = place;
    } else {
      auto removed = inside.begin();
      if (draw < 6) std::advance(removed, static_cast<long>(random() % std::min<std::size_t>(inside.size(), 50)));
      order.remove(jobs, removed->second);
      outside.push_back(removed->second);
      inside.erase(removed);
    }
    REQUIRE(order.first(jobs) == (inside.empty() ? no_slot : inside.begin()->second));
  }
}

TEST_CASE("a heap stays as shallow as it promises, whichever jobs leave it") {
  job_table jobs;
  job_heap<served_before> heap;
  std::mt19937_64 random{4};
  std::vector<slot> inside;
  for (int step = 0; step < 20'000; ++step) {
    if (inside.size() < 300 || random() % 2 == 0) {
      inside.push_back(jobs.add(job_id{static_cast<std::uint64_t>(step) + 1}));
      jobs[inside.back()].priority = static_cast<priority>(random());
      heap.push(jobs, inside.back());
    } else {
      std::swap(inside[random() % inside.size()], inside.back());
      heap.remove(jobs, inside.back());
      jobs.remove(inside.back());
      inside.pop_back();
    }
    if (step % 100 != 0) continue;
    for (const slot place : inside) {
      const job& node = jobs[place];
      const auto left = jobs[node.link[0]].rank, right = jobs[node.link[1]].rank;
      REQUIRE(left >= right);
      REQUIRE(node.rank == right + 1);
    }
  }
}

TEST_CASE("delayed jobs are in the order of (due time, id), whichever jobs join and leave") {
  job_table jobs;
  due_order order;
  std::mt19937_64 random{5};
  std::map<std::pair<instant, std::uint64_t>, slot> inside;
  std::uint64_t last = 0;
  for (int step = 0; step < 100'000; ++step) {
    const bool grows = (step / 2'000) % 2 == 0;
    if (inside.empty() || random() % 10 < (grows ? 7 : 3)) {
      const slot place = jobs.add(job_id{++last});
      jobs[place].entered_at = instant{microseconds{step}};
      jobs[place].delay = microseconds{1 + random() % 300};  // some jobs are due at the same time
      order.push(jobs, place);
      inside[{due_of(jobs[place]), jobs[place].id.value()}] = place;
    } else {
      auto removed = inside.begin();
      if (random() % 2 == 0)
        std::advance(removed, static_cast<long>(random() % std::min<std::size_t>(inside.size(), 50)));
      order.remove(jobs, removed->second);
      REQUIRE(jobs[removed->second].link == std::array<std::uint32_t, 3>{});
      jobs.remove(removed->second);
      inside.erase(removed);
    }
    REQUIRE(order.first() == (inside.empty() ? no_slot : inside.begin()->second));
  }
}

TEST_CASE("the first deadline is the soonest, of one instant the lower kind, then the lower number") {
  deadlines due;
  deadlines::heap_position a{0}, b{0}, c{0};
  const instant soon{seconds{5}};
  due.set(a, soon, {due_kind::reserve_timeout, 1});
  due.set(b, soon, {due_kind::delay_end, 9});
  due.set(c, soon, {due_kind::delay_end, 7});
  CHECK(due.first_owner().number == 7);
  due.clear(c);
  CHECK(due.first_owner().number == 9);
  due.set(b, soon + seconds{1}, {due_kind::delay_end, 9});
  CHECK(due.first_owner().kind == due_kind::reserve_timeout);
  due.clear(a);
  due.clear(b);
  due.clear(b);
  CHECK(due.empty());
  CHECK(due.first_due() == never);
}

TEST_CASE("deadlines may be set, changed and cleared in any order, and come due in theirs") {
  deadlines due;
  std::mt19937_64 random{3};
  std::vector<deadlines::heap_position> places(1'000);
  std::vector<instant> times(places.size(), never);
  std::set<std::pair<instant, std::size_t>> expected;
  const auto forget = [&](std::size_t at) {
    expected.erase({times[at], at});
    times[at] = never;
    due.clear(places[at]);
  };
  for (int step = 0; step < 100'000; ++step) {
    const std::size_t at = random() % places.size();
    if (random() % 3 == 0) {
      forget(at);
    } else {
      expected.erase({times[at], at});
      times[at] = instant{nanoseconds{static_cast<std::int64_t>(random() % 1'000)}};
      expected.insert({times[at], at});
      due.set(places[at], times[at], {due_kind::deadline_soon, at});
      REQUIRE(due.due_of(places[at]) == times[at]);
    }
    // Now and then all deadlines pass.
    for (bool to_the_end = step % 5'000 == 0; to_the_end && !expected.empty();) {
      REQUIRE(due.first_due() == expected.begin()->first);
      REQUIRE(due.first_owner().number == expected.begin()->second);
      forget(expected.begin()->second);
    }
    REQUIRE(due.first_due() == (expected.empty() ? never : expected.begin()->first));
  }
}
