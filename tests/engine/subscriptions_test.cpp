#include <algorithm>

#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

TEST_CASE("a queue comes into being when someone uses or watches it, and goes when nothing holds it") {
  engine_fixture m;
  const auto s = m.engine.open_session();
  CHECK(m.engine.watch(s, "kept").value() == 1);
  CHECK(m.engine.ignore(s, "unknown").value() == 1);
  CHECK_FALSE(m.engine.find("unknown").has_value());
  const auto a = m.engine.use(s, "a").value();
  CHECK(m.engine.name_of(a) == "a");
  CHECK(m.engine.used(s) == a);
  const auto job = m.put(s);
  m.engine.use(s, "b").value();
  CHECK(m.engine.find("a") == a);
  CHECK(m.engine.erase(s, job, m.now));
  CHECK_FALSE(m.engine.find("a").has_value());
  CHECK(m.engine.name_of(a).empty());
  CHECK(m.engine.queue_count() == 2);
  CHECK(m.engine.counts_of_removed().puts.value() == 0);
  const auto row = std::ranges::find(m.engine.rows().all(), "a", &queue_row::name);
  REQUIRE(row != m.engine.rows().all().end());
  CHECK(row->before.puts.value() == 1);
}

TEST_CASE("a watched queue goes when it is ignored") {
  engine_fixture m;
  const auto s = m.session({"a", "b"});
  m.engine.use(s, "a").value();
  CHECK(m.engine.ignore(s, "b").value() == 1);
  CHECK_FALSE(m.engine.find("b").has_value());
}

TEST_CASE("a declared queue stays when it is empty and unused") {
  engine_fixture m;
  const auto q = m.declare("q", 5);
  const auto s = m.session({"q"});
  const auto job = m.put(s);
  m.engine.erase(s, job, m.now);
  CHECK(m.engine.close_session(s, m.now));
  CHECK(m.engine.find("q") == q);
  CHECK(m.engine.options_of(q).max_jobs == 5);
}

TEST_CASE("declaring a queue that is there changes its options and keeps its jobs") {
  engine_fixture m;
  const auto s = m.session();
  m.put(s, "x");
  const auto q = m.declare("q", 7);
  CHECK(q == m.queue());
  CHECK(m.engine.options_of(q).max_jobs == 7);
  CHECK(m.take(s) == "x");
}

TEST_CASE("a name that is used again makes a new queue with a new id and fresh counts") {
  engine_fixture m;
  const auto s = m.engine.open_session();
  const auto first = m.engine.use(s, "a").value();
  m.engine.pause(first, 60s, m.now).value();
  m.engine.use(s, "b").value();
  const auto second = m.engine.use(s, "a").value();
  CHECK(first != second);
  CHECK(m.engine.counts(second).pauses.value() == 0);
  CHECK(m.engine.levels(second).paused_until == no_pause);
  CHECK(m.engine.next_deadline() == never);
  CHECK(m.engine.name_of(first).empty());
}

TEST_CASE("queues that nobody declared get the default options") {
  engine_fixture m;
  m.engine.set_queue_defaults({.max_jobs = 1, .when_full = overflow::reject});
  const auto s = m.session();
  m.put(s);
  CHECK(m.offer(s, "more").status == put_status::refused);
}

TEST_CASE("watching twice counts once, and the only watched queue cannot be ignored") {
  engine_fixture m;
  const auto s = m.engine.open_session();
  CHECK(m.engine.watch(s, "a").value() == 1);
  CHECK(m.engine.watch(s, "a").value() == 1);
  CHECK(m.engine.watch(s, "b").value() == 2);
  CHECK(m.engine.watched(s)[0] == m.queue("a"));
  CHECK(m.engine.ignore(s, "a").value() == 1);
  const auto last = m.engine.ignore(s, "b");
  REQUIRE(last.has_error());
  CHECK(last.error().code == errc::refused);
}

TEST_CASE("the number of queues and of watched queues is limited") {
  engine_fixture m{{.queues_max = 3, .watched_queues_max = 2}};
  const auto s = m.session({"a", "b"});
  CHECK(m.engine.watch(s, "a").value() == 2);
  CHECK(m.engine.watch(s, "c").error().code == errc::refused);
  CHECK_FALSE(m.engine.find("c").has_value());
  CHECK(m.engine.use(s, "c").has_value());
  CHECK(m.engine.declare("d", {}).error().code == errc::refused);
  CHECK(m.engine.use(s, "d").error().code == errc::refused);
  CHECK(m.engine.used(s) == m.queue("c"));
}

TEST_CASE("when a session ends its jobs become ready at once, and go to who waits") {
  engine_fixture m;
  const auto s = m.session({"q"});
  const auto other = m.session({"q"});
  const auto first = m.put(s, "1");
  const auto two = m.put(s, "2");
  m.take_all(s);
  CHECK(m.reserve(other, 60s) == reserve_status::waiting);
  CHECK(m.engine.close_session(s, m.now));
  CHECK(m.events() == texts{"granted 2: 1"});
  CHECK(m.state(two) == job_state::ready);
  CHECK(m.engine.look(first)->reserves == 2);
  CHECK(m.engine.look(two)->reserves == 1);
  CHECK(m.engine.look(two)->timeouts == 0);
  CHECK(m.engine.look(two)->releases == 0);
  CHECK(m.engine.levels(m.queue()).using_sessions == 1);
}

TEST_CASE("a session that ends while it waits swallows no job, and lets go what it used and watched") {
  engine_fixture m;
  const auto s = m.session({"a", "b"});
  CHECK(m.reserve(s, 60s) == reserve_status::waiting);
  CHECK(m.engine.close_session(s, m.now));
  CHECK(m.engine.queue_count() == 0);
  CHECK(m.engine.next_deadline() == never);
  m.put(m.session({"a"}));
  CHECK(m.events().empty());
}

TEST_CASE("a session that held many jobs gives them back a thousand a turn") {
  engine_fixture m;
  const auto s = m.session();
  const auto other = m.session();
  for (int i = 0; i < 2'500; ++i) m.put(s);
  m.take_all(s);
  CHECK_FALSE(m.engine.close_session(s, m.now));
  CHECK(m.engine.levels(m.queue()).ready == 1'000);
  CHECK_FALSE(m.engine.close_session(s, m.now));
  CHECK(m.engine.close_session(s, m.now));
  CHECK(m.engine.levels(m.queue()).ready == 2'500);
  CHECK(m.take(other) == "job");
}

TEST_CASE("ids of sessions that are gone are not given out again") {
  engine_fixture m;
  const auto first = m.engine.open_session();
  m.engine.close_session(first, m.now);
  CHECK(m.engine.open_session() != first);
  CHECK(m.engine.used(first) == queue_id{});
}

TEST_CASE(
    "queues are listed in order of creation, in slices, and changes meanwhile neither repeat nor lose one that stays") {
  engine_fixture m;
  for (const auto name : {"a", "b", "c", "d", "e"}) m.declare(name, 5);
  const auto passing = m.session({"f"});
  std::vector<queue_id> listed;
  auto next = m.engine.list_queues(0, 2, listed);
  CHECK(next != 0);
  next = m.engine.list_queues(next, 3, listed);
  m.engine.close_session(passing, m.now);
  m.declare("g", 5);
  next = m.engine.list_queues(next, 3, listed);
  CHECK(next == 0);
  std::string names;
  for (const auto queue : listed) names += m.engine.name_of(queue);
  CHECK(names == "abcdeg");
}

TEST_CASE("what must be remembered of each command") {
  engine_fixture m;
  const auto s = m.session();
  m.put(s, "before anybody remembers");
  m.engine.collect_changes(true);
  change_set changes;
  const auto taken = [&]() -> change_set& {
    m.engine.take_changes(changes);
    return changes;
  };
  const auto job = m.take_id(s);
  CHECK(taken().empty());
  m.engine.touch(s, job, m.now);
  CHECK(taken().empty());

  m.engine.release(s, job, 4, 10s, m.now);
  REQUIRE(taken().size() == 1);
  auto moved = std::get<job_moved>(changes[0]);
  CHECK(moved.job == job);
  CHECK(moved.state == job_state::delayed);
  CHECK(moved.priority == 4);
  CHECK(moved.due == m.now + 10s);

  CHECK(m.engine.reserve_job(s, job, m.now).status == reserve_status::reserved);
  REQUIRE(taken().size() == 1);
  CHECK(std::get<job_moved>(changes[0]).state == job_state::reserved);

  m.engine.bury(s, job, 5, m.now);
  REQUIRE(taken().size() == 1);
  CHECK(std::get<job_moved>(changes[0]).state == job_state::buried);
  m.engine.kick_job(job, m.now);
  REQUIRE(taken().size() == 1);
  CHECK(std::get<job_moved>(changes[0]).state == job_state::ready);

  m.engine.pause(m.queue(), 5s, m.now).value();
  REQUIRE(taken().size() == 1);
  CHECK(std::get<queue_paused>(changes[0]).until == m.now + 5s);
  m.engine.pause(m.queue(), 0s, m.now).value();
  REQUIRE(taken().size() == 1);
  CHECK(std::get<queue_paused>(changes[0]).until == no_pause);

  m.engine.erase(s, job, m.now);
  REQUIRE(taken().size() == 1);
  CHECK(std::get<job_gone>(changes[0]).job == job);

  m.put(s, "later", {.priority = 8, .delay = 3s, .ttr = 0s});
  REQUIRE(taken().size() == 1);
  const auto put = std::get<job_put>(changes[0]);
  CHECK(put.state == job_state::delayed);
  CHECK(put.due == m.now + 3s);
  CHECK(put.request.ttr == 1s);
  CHECK(put.request.content.view() == "later");
}
