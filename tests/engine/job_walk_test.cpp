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
  walk_fixture m{5};
  const auto cursor = m.open();
  CHECK(m.page(cursor, 1, 2) == "0 1");
  CHECK(m.step.has_next);
  CHECK(m.page(cursor, 2, 2) == "2 3");
  CHECK(m.page(cursor, 3, 2) == "4");
  CHECK(m.step.is_end);
  CHECK_FALSE(m.step.has_next);
}

TEST_CASE("a page can be asked for again, and lacks what has gone meanwhile") {
  walk_fixture m{6};
  const auto cursor = m.open();
  CHECK(m.page(cursor, 1, 2) == "0 1");
  CHECK(m.page(cursor, 2, 2) == "2 3");
  CHECK(m.page(cursor, 2, 100) == "2 3");
  m.erase(2);
  CHECK(m.page(cursor, 2, 100) == "3");
  m.erase(3);
  CHECK(m.page(cursor, 2, 100).empty());
  CHECK(m.page(cursor, 1, 100) == "over");
  CHECK(m.page(cursor, 4, 100) == "over");
  CHECK(m.page(cursor, 3, 100) == "4 5");
  CHECK(m.page(cursor, 3, 100) == "4 5");
}

TEST_CASE("a walk goes on when the jobs at its positions go, and sees no job that came later") {
  walk_fixture m{5};
  const auto cursor = m.open();
  CHECK(m.page(cursor, 1, 2) == "0 1");
  m.erase(2);
  m.put(m.client, "later");
  m.erase(4);
  CHECK(m.page(cursor, 2, 100) == "3");
  m.put(m.client, "later still");
  CHECK(m.page(cursor, 2, 100) == "3");
  CHECK_FALSE(m.step.has_next);
}

TEST_CASE("a job that leaves the state and comes back is not seen twice") {
  walk_fixture m{4};
  const auto cursor = m.open();
  CHECK(m.page(cursor, 1, 2) == "0 1");
  const auto first = m.take_id(m.client);
  CHECK(m.engine.release(m.client, first, default_priority, 0s, m.now));
  CHECK(m.page(cursor, 2, 100) == "2 3");
}

TEST_CASE("a walk whose last jobs all leave is at its end") {
  walk_fixture m{3};
  const auto cursor = m.open();
  CHECK(m.page(cursor, 1, 1) == "0");
  m.erase(2);
  m.erase(1);
  m.put(m.client, "later");
  CHECK(m.page(cursor, 2, 100).empty());
  CHECK(m.step.is_end);
  m.erase(0);
  CHECK(m.page(cursor, 2, 100).empty());
}

TEST_CASE("beyond the limit of cursors, the least recently used one is forgotten, and an owned one never is") {
  walk_fixture m{3, {.cursors_max = 2}};
  const auto owned = m.open(job_state::ready, cursor_owner::caller);
  const auto first = m.open();
  const auto second = m.open();
  CHECK(m.page(first, 1, 1) == "0");
  const auto third = m.open();
  CHECK(m.page(second, 1, 1) == "gone");
  CHECK(m.page(first, 2, 1) == "1");
  CHECK(m.page(third, 1, 1) == "0");
  CHECK(m.page(owned, 1, 1) == "0");
  m.engine.close_cursor(owned);
  CHECK_FALSE(m.engine.has_cursor(owned));
}

TEST_CASE("a cursor of a queue that is removed is gone, and a new queue of the name has other cursors") {
  engine_fixture m;
  const auto s = m.session();
  CHECK_FALSE(m.engine.open_cursor(queue_id{}, job_state::ready, cursor_owner::nobody));
  m.engine.use(s, "passing").value();
  const auto job = m.put(s);
  const auto cursor = m.engine.open_cursor(m.queue("passing"), job_state::ready, cursor_owner::nobody).value();
  m.engine.use(s, "q").value();
  CHECK(m.engine.erase(s, job, m.now));
  CHECK_FALSE(m.engine.find("passing"));
  CHECK(m.engine.begin_page(cursor, 1) == page_status::gone);
}

TEST_CASE("a filter of age, reason, origin and text finds the jobs that fit all of it") {
  walk_fixture m{12};
  const auto begin = m.now;
  m.pass(1s);
  m.put(m.client, "1x");
  CHECK(m.page(m.open(), 1, 100, {.text = "1"}) == "1 10 11 1x");
  CHECK(m.page(m.open(), 1, 100, {.entered_until = begin, .text = "1"}) == "1 10 11");
  CHECK_FALSE(m.step.has_next);
  CHECK(m.page(m.open(), 1, 100, {.cause = reason::failed}).empty());
  CHECK(m.page(m.open(), 1, 100, {.origin = "other"}).empty());
  m.take_id(m.client);
  CHECK(m.finish(m.client, m.jobs.at(0), {.result = outcome::failed, .error_text = "no such host"}) ==
        finish_status::buried);
  CHECK(m.page(m.open(job_state::buried), 1, 100, {.text = "such"}) == "0");
  CHECK(m.page(m.open(job_state::buried), 1, 100, {.cause = reason::failed}) == "0");
  CHECK(m.page(m.open(job_state::buried), 1, 100, {.cause = reason::timeout}).empty());
}

TEST_CASE("a step ends after so many bytes of bodies and so many jobs") {
  engine_fixture m;
  m.declare("q", 10'000, overflow::block, 100'000'000);
  const auto s = m.session();
  const std::string large(searched_bytes_max / 2, 'x');
  for (int n = 0; n < 4; ++n) m.put(s, large);
  for (std::size_t n = 0; n < jobs_per_step_max; ++n) m.put(s, "");
  const auto cursor = m.engine.open_cursor(m.queue(), job_state::ready, cursor_owner::nobody).value();
  m.engine.begin_page(cursor, 1);
  std::vector<job_facts> found;
  CHECK(m.engine.find_jobs(cursor, {.text = "y"}, 10, found).seen == 2);
  CHECK(m.engine.find_jobs(cursor, {.text = "y"}, 10, found).seen == 2);
  CHECK(m.engine.find_jobs(cursor, {.cause = reason::failed}, 10, found).seen == jobs_per_step_max);
  CHECK(m.engine.find_jobs(cursor, {.cause = reason::failed}, 10, found).is_end);
  CHECK(found.empty());
}

TEST_CASE("bulk changes go on after jobs that others changed, at most so many a step") {
  walk_fixture m{5};
  const auto cursor = m.open(job_state::ready, cursor_owner::caller);
  m.engine.begin_page(cursor, 1);
  const job_change erase{.type = job_change::kind::erase};
  CHECK(m.engine.change_jobs(cursor, {}, erase, 2, m.now).changed == 2);
  m.erase(2);
  const auto step = m.engine.change_jobs(cursor, {}, erase, 100, m.now);
  CHECK(step.changed == 2);
  CHECK(step.is_end);
  CHECK(m.engine.levels(m.queue()).ready == 0);
  CHECK(m.engine.counts(m.queue()).deletes.value() == 5);
}
