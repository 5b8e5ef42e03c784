#include "engine/mill.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

namespace {

kept_job kept(std::uint64_t id, queue_id queue, std::string_view text, job_state state = job_state::ready) {
  kept_job job;
  job.job = job_id{id};
  job.queue = queue;
  job.state = state;
  job.what.content = body{text};
  return job;
}

}  // namespace

TEST_CASE("jobs come back in their order, with their ids, and new ids are above all of them") {
  mill m;
  const auto queue = m.it.restore_queue("q");
  auto urgent = kept(7, queue, "urgent");
  urgent.what.urgency = 1;
  m.it.restore(kept(3, queue, "first"), m.now);
  m.it.restore(kept(5, queue, "second"), m.now);
  m.it.restore(std::move(urgent), m.now);
  m.it.restore_ids(1'000);
  const auto s = m.session();
  CHECK(m.put(s, "new") == job_id{1'001});
  CHECK(m.take_all(s) == "urgent first second new");
  CHECK(m.it.totals().puts.value() == 1);
}

TEST_CASE("a delayed job keeps its due time; one that was due meanwhile is ready") {
  mill m;
  const auto queue = m.declare("q", 10);
  auto later = kept(1, queue, "later", job_state::delayed), past = kept(2, queue, "past", job_state::delayed);
  later.what.delay = past.what.delay = 60s;
  later.due = m.now + 5s;
  past.due = m.now - 5s;
  m.it.restore(std::move(later), m.now);
  m.it.restore(std::move(past), m.now);
  m.it.advance(m.now);
  const auto s = m.session();
  CHECK(m.take(s) == "past");
  CHECK(m.it.look(job_id{1})->due == m.now + 5s);
  CHECK(m.it.next_deadline() <= m.now + 5s);
  m.pass(5s);
  CHECK(m.take(s) == "later");
}

TEST_CASE("a buried job is buried still, with its error and its counts") {
  mill m;
  const auto queue = m.it.restore_queue("q");
  auto job = kept(4, queue, "x", job_state::buried);
  job.tally = {.reserves = 3, .timeouts = 1, .releases = 2, .buries = 1, .kicks = 5};
  job.error_text = "no";
  job.put_at = m.now - 100s;
  m.it.restore(std::move(job), m.now);
  const auto facts = m.it.look(job_id{4}).value();
  CHECK(facts.state == job_state::buried);
  CHECK(facts.reserves == 3);
  CHECK(facts.timeouts == 1);
  CHECK(facts.releases == 2);
  CHECK(facts.buries == 1);
  CHECK(facts.kicks == 5);
  CHECK(facts.error_text == "no");
  CHECK(facts.put_at == m.now - 100s);
  CHECK(m.it.kick_job(job_id{4}, m.now));
}

TEST_CASE("a pause goes on; a queue that nobody declared goes with its last job") {
  mill m;
  const auto queue = m.it.restore_queue("q");
  m.it.restore(kept(1, queue, "x"), m.now);
  m.it.restore_pause(queue, m.now + 10s, 60s, m.now);
  const auto s = m.session();
  CHECK(m.take(s) == "-");
  m.pass(10s);
  CHECK(m.take(s) == "x");
  CHECK(m.it.erase(s, job_id{1}, m.now));
  while (!m.it.close_session(s, m.now)) {
  }
  CHECK_FALSE(m.it.find("q").has_value());
}
