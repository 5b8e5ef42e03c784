#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

namespace {

/// Jobs with the bodies `0`, `1` … in a queue.
struct walk_fixture : engine_fixture {
  explicit walk_fixture(std::size_t count, engine_options limits = {}) : engine_fixture{limits} {
    declare("q", 10'000, overflow::block, 1'000'000);
    for (std::size_t n = 0; n < count; ++n) jobs.push_back(put(client, std::to_string(n)));
  }

  cursor_id open(job_state state = job_state::ready, cursor_owner owner = cursor_owner::nobody) {
    return engine.open_cursor(queue(), state, owner).value();
  }
  /// The bodies of the page, with a space between.
  std::string page(cursor_id cursor, std::uint32_t number, std::size_t most, const job_filter& filter = {}) {
    const auto status = engine.begin_page(cursor, number);
    if (status == page_status::over) return "over";
    if (status == page_status::gone) return "gone";
    std::vector<job_facts> found;
    while (found.size() < most) {
      step = engine.find_jobs(cursor, filter, most - found.size(), found);
      if (step.is_end || step.body_needed) break;
    }
    std::string all;
    for (const auto& job : found) all += (all.empty() ? "" : " ") + std::string{job.content.view()};
    return all;
  }
  void erase(std::size_t n) { REQUIRE(engine.erase(client, jobs.at(n), now)); }

  session_id client{session()};
  std::vector<job_id> jobs;
  walk_step step;
};

}  // namespace

TEST_CASE("a walk gives the jobs of a state in order of entry, page by page") {
  walk_fixture fixture{5};
  const auto cursor = fixture.open();
  CHECK(fixture.page(cursor, 1, 2) == "0 1");
  CHECK(fixture.step.has_next);
  CHECK(fixture.page(cursor, 2, 2) == "2 3");
  CHECK(fixture.page(cursor, 3, 2) == "4");
  CHECK(fixture.step.is_end);
  CHECK_FALSE(fixture.step.has_next);
}

TEST_CASE("a page can be asked for again, and lacks what has gone meanwhile") {
  walk_fixture fixture{6};
  const auto cursor = fixture.open();
  CHECK(fixture.page(cursor, 1, 2) == "0 1");
  CHECK(fixture.page(cursor, 2, 2) == "2 3");
  CHECK(fixture.page(cursor, 2, 100) == "2 3");
  fixture.erase(2);
  CHECK(fixture.page(cursor, 2, 100) == "3");
  fixture.erase(3);
  CHECK(fixture.page(cursor, 2, 100).empty());
  CHECK(fixture.page(cursor, 1, 100) == "over");
  CHECK(fixture.page(cursor, 4, 100) == "over");
  CHECK(fixture.page(cursor, 3, 100) == "4 5");
  CHECK(fixture.page(cursor, 3, 100) == "4 5");
}

TEST_CASE("a walk goes on when the jobs at its positions go, and sees no job that came later") {
  walk_fixture fixture{5};
  const auto cursor = fixture.open();
  CHECK(fixture.page(cursor, 1, 2) == "0 1");
  fixture.erase(2);
  fixture.put(fixture.client, "later");
  fixture.erase(4);
  CHECK(fixture.page(cursor, 2, 100) == "3");
  fixture.put(fixture.client, "later still");
  CHECK(fixture.page(cursor, 2, 100) == "3");
  CHECK_FALSE(fixture.step.has_next);
}

TEST_CASE("a job that leaves the state and comes back is not seen twice") {
  walk_fixture fixture{4};
  const auto cursor = fixture.open();
  CHECK(fixture.page(cursor, 1, 2) == "0 1");
  const auto first = fixture.take_id(fixture.client);
  CHECK(fixture.engine.release(fixture.client, first, default_priority, 0s, fixture.now));
  CHECK(fixture.page(cursor, 2, 100) == "2 3");
}

TEST_CASE("a walk whose last jobs all leave is at its end") {
  walk_fixture fixture{3};
  const auto cursor = fixture.open();
  CHECK(fixture.page(cursor, 1, 1) == "0");
  fixture.erase(2);
  fixture.erase(1);
  fixture.put(fixture.client, "later");
  CHECK(fixture.page(cursor, 2, 100).empty());
  CHECK(fixture.step.is_end);
  fixture.erase(0);
  CHECK(fixture.page(cursor, 2, 100).empty());
}

TEST_CASE("beyond the limit of cursors, the least recently used one is forgotten, and an owned one never is") {
  walk_fixture fixture{3, {.cursors_max = 2}};
  const auto owned = fixture.open(job_state::ready, cursor_owner::caller);
  const auto first = fixture.open();
  const auto second = fixture.open();
  CHECK(fixture.page(first, 1, 1) == "0");
  const auto third = fixture.open();
  CHECK(fixture.page(second, 1, 1) == "gone");
  CHECK(fixture.page(first, 2, 1) == "1");
  CHECK(fixture.page(third, 1, 1) == "0");
  CHECK(fixture.page(owned, 1, 1) == "0");
  fixture.engine.close_cursor(owned);
  CHECK_FALSE(fixture.engine.has_cursor(owned));
}

TEST_CASE("a cursor of a queue that is removed is gone, and a new queue of the name has other cursors") {
  engine_fixture fixture;
  const auto s = fixture.session();
  CHECK_FALSE(fixture.engine.open_cursor(queue_id{}, job_state::ready, cursor_owner::nobody));
  fixture.engine.use(s, "passing").value();
  const auto job = fixture.put(s);
  const auto cursor =
      fixture.engine.open_cursor(fixture.queue("passing"), job_state::ready, cursor_owner::nobody).value();
  fixture.engine.use(s, "q").value();
  CHECK(fixture.engine.erase(s, job, fixture.now));
  CHECK_FALSE(fixture.engine.find("passing"));
  CHECK(fixture.engine.begin_page(cursor, 1) == page_status::gone);
}

TEST_CASE("a filter of age, reason, origin and text finds the jobs that fit all of it") {
  walk_fixture fixture{12};
  const auto begin = fixture.now;
  fixture.pass(1s);
  fixture.put(fixture.client, "1x");
  CHECK(fixture.page(fixture.open(), 1, 100, {.text = "1"}) == "1 10 11 1x");
  CHECK(fixture.page(fixture.open(), 1, 100, {.entered_until = begin, .text = "1"}) == "1 10 11");
  CHECK_FALSE(fixture.step.has_next);
  CHECK(fixture.page(fixture.open(), 1, 100, {.cause = reason::failed}).empty());
  CHECK(fixture.page(fixture.open(), 1, 100, {.origin = "other"}).empty());
  fixture.take_id(fixture.client);
  CHECK(fixture.finish(fixture.client, fixture.jobs.at(0), {.result = outcome::failed, .error_text = "no such host"}) ==
        finish_status::buried);
  CHECK(fixture.page(fixture.open(job_state::buried), 1, 100, {.text = "such"}) == "0");
  CHECK(fixture.page(fixture.open(job_state::buried), 1, 100, {.cause = reason::failed}) == "0");
  CHECK(fixture.page(fixture.open(job_state::buried), 1, 100, {.cause = reason::timeout}).empty());
}

TEST_CASE("a step ends after so many bytes of bodies and so many jobs") {
  engine_fixture fixture;
  fixture.declare("q", 10'000, overflow::block, 100'000'000);
  const auto s = fixture.session();
  const std::string large(searched_bytes_max / 2, 'x');
  for (int n = 0; n < 4; ++n) fixture.put(s, large);
  for (std::size_t n = 0; n < jobs_per_step_max; ++n) fixture.put(s, "");
  const auto cursor = fixture.engine.open_cursor(fixture.queue(), job_state::ready, cursor_owner::nobody).value();
  fixture.engine.begin_page(cursor, 1);
  std::vector<job_facts> found;
  CHECK(fixture.engine.find_jobs(cursor, {.text = "y"}, 10, found).seen == 2);
  CHECK(fixture.engine.find_jobs(cursor, {.text = "y"}, 10, found).seen == 2);
  CHECK(fixture.engine.find_jobs(cursor, {.cause = reason::failed}, 10, found).seen == jobs_per_step_max);
  CHECK(fixture.engine.find_jobs(cursor, {.cause = reason::failed}, 10, found).is_end);
  CHECK(found.empty());
}

TEST_CASE("bulk changes go on after jobs that others changed, at most so many a step") {
  walk_fixture fixture{5};
  const auto cursor = fixture.open(job_state::ready, cursor_owner::caller);
  fixture.engine.begin_page(cursor, 1);
  const job_change erase{.type = job_change::kind::erase};
  CHECK(fixture.engine.change_jobs(cursor, {}, erase, 2, fixture.now).changed == 2);
  fixture.erase(2);
  const auto step = fixture.engine.change_jobs(cursor, {}, erase, 100, fixture.now);
  CHECK(step.changed == 2);
  CHECK(step.is_end);
  CHECK(fixture.engine.levels(fixture.queue()).ready == 0);
  CHECK(fixture.engine.counts(fixture.queue()).deletes.value() == 5);
}
