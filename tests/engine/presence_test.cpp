#include <algorithm>

#include "engine/mill.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

TEST_CASE("a queue comes into being when someone uses or watches it, and goes when nothing holds it") {
  mill m;
  const auto s = m.it.open_session();
  CHECK(m.it.watch(s, "kept").value() == 1);
  CHECK(m.it.ignore(s, "unknown").value() == 1);
  CHECK_FALSE(m.it.find("unknown").has_value());
  const auto a = m.it.use(s, "a").value();
  CHECK(m.it.name_of(a) == "a");
  CHECK(m.it.used(s) == a);
  const auto job = m.put(s);
  m.it.use(s, "b").value();
  CHECK(m.it.find("a") == a);
  CHECK(m.it.erase(s, job, m.now));
  CHECK_FALSE(m.it.find("a").has_value());
  CHECK(m.it.name_of(a).empty());
  CHECK(m.it.queue_count() == 2);
  CHECK(m.it.counts_of_removed().puts.value() == 0);
  const auto row = std::ranges::find(m.it.rows().all(), "a", &queue_row::name);
  REQUIRE(row != m.it.rows().all().end());
  CHECK(row->before.puts.value() == 1);
}

TEST_CASE("a watched queue goes when it is ignored") {
  mill m;
  const auto s = m.session({"a", "b"});
  m.it.use(s, "a").value();
  CHECK(m.it.ignore(s, "b").value() == 1);
  CHECK_FALSE(m.it.find("b").has_value());
}

TEST_CASE("a declared queue never goes") {
  mill m;
  const auto q = m.declare("q", 5);
  const auto s = m.session({"q"});
  const auto job = m.put(s);
  m.it.erase(s, job, m.now);
  CHECK(m.it.close_session(s, m.now));
  CHECK(m.it.find("q") == q);
  CHECK(m.it.options_of(q).max_jobs == 5);
}

TEST_CASE("declaring a queue that is there changes its options and keeps its jobs") {
  mill m;
  const auto s = m.session();
  m.put(s, "x");
  const auto q = m.declare("q", 7);
  CHECK(q == m.queue());
  CHECK(m.it.options_of(q).max_jobs == 7);
  CHECK(m.take(s) == "x");
}

TEST_CASE("a name that is used again makes a new queue with a new id and fresh counts") {
  mill m;
  const auto s = m.it.open_session();
  const auto first = m.it.use(s, "a").value();
  m.it.pause(first, 60s, m.now).value();
  m.it.use(s, "b").value();
  const auto second = m.it.use(s, "a").value();
  CHECK(first != second);
  CHECK(m.it.counts(second).pauses.value() == 0);
  CHECK(m.it.levels(second).paused_until == no_pause);
  CHECK(m.it.next_deadline() == never);
  CHECK(m.it.name_of(first).empty());
}

TEST_CASE("queues that nobody declared get the default options") {
  mill m;
  m.it.set_queue_defaults({.max_jobs = 1, .when_full = overflow::reject});
  const auto s = m.session();
  m.put(s);
  CHECK(m.offer(s, "more").status == put_status::refused);
}

TEST_CASE("watching twice counts once, and the only watched queue cannot be ignored") {
  mill m;
  const auto s = m.it.open_session();
  CHECK(m.it.watch(s, "a").value() == 1);
  CHECK(m.it.watch(s, "a").value() == 1);
  CHECK(m.it.watch(s, "b").value() == 2);
  CHECK(m.it.watched(s)[0] == m.queue("a"));
  CHECK(m.it.ignore(s, "a").value() == 1);
  const auto last = m.it.ignore(s, "b");
  REQUIRE(last.has_error());
  CHECK(last.error().code == errc::refused);
}

TEST_CASE("the number of queues and of watched queues is limited") {
  mill m{{.queues_max = 3, .watched_queues_max = 2}};
  const auto s = m.session({"a", "b"});
  CHECK(m.it.watch(s, "a").value() == 2);
  CHECK(m.it.watch(s, "c").error().code == errc::refused);
  CHECK_FALSE(m.it.find("c").has_value());
  CHECK(m.it.use(s, "c").has_value());
  CHECK(m.it.declare("d", {}).error().code == errc::refused);
  CHECK(m.it.use(s, "d").error().code == errc::refused);
  CHECK(m.it.used(s) == m.queue("c"));
}

TEST_CASE("when a session ends its jobs become ready at once, and go to who waits") {
  mill m;
  const auto s = m.session({"q"});
  const auto other = m.session({"q"});
  const auto one = m.put(s, "1");
  const auto two = m.put(s, "2");
  m.take_all(s);
  CHECK(m.reserve(other, 60s) == reserve_status::waiting);
  CHECK(m.it.close_session(s, m.now));
  CHECK(m.events() == told{"granted 2: 1"});
  CHECK(m.state(two) == job_state::ready);
  CHECK(m.it.look(one)->reserves == 2);
  CHECK(m.it.look(two)->reserves == 1);
  CHECK(m.it.look(two)->timeouts == 0);
  CHECK(m.it.look(two)->releases == 0);
  CHECK(m.it.levels(m.queue()).using_sessions == 1);
}

TEST_CASE("a session that ends while it waits swallows no job, and lets go what it used and watched") {
  mill m;
  const auto s = m.session({"a", "b"});
  CHECK(m.reserve(s, 60s) == reserve_status::waiting);
  CHECK(m.it.close_session(s, m.now));
  CHECK(m.it.queue_count() == 0);
  CHECK(m.it.next_deadline() == never);
  m.put(m.session({"a"}));
  CHECK(m.events().empty());
}

TEST_CASE("a session that held many jobs gives them back a thousand a turn") {
  mill m;
  const auto s = m.session();
  const auto other = m.session();
  for (int i = 0; i < 2'500; ++i) m.put(s);
  m.take_all(s);
  CHECK_FALSE(m.it.close_session(s, m.now));
  CHECK(m.it.levels(m.queue()).ready == 1'000);
  CHECK_FALSE(m.it.close_session(s, m.now));
  CHECK(m.it.close_session(s, m.now));
  CHECK(m.it.levels(m.queue()).ready == 2'500);
  CHECK(m.take(other) == "job");
}

TEST_CASE("ids of sessions that are gone are not given out again") {
  mill m;
  const auto first = m.it.open_session();
  m.it.close_session(first, m.now);
  CHECK(m.it.open_session() != first);
  CHECK(m.it.used(first) == queue_id{});
}

TEST_CASE(
    "queues are listed in order of creation, in slices, and changes meanwhile neither repeat nor lose one that stays") {
  mill m;
  for (const auto name : {"a", "b", "c", "d", "e"}) m.declare(name, 5);
  const auto passing = m.session({"f"});
  std::vector<queue_id> listed;
  auto next = m.it.list_queues(0, 2, listed);
  CHECK(next != 0);
  next = m.it.list_queues(next, 3, listed);
  m.it.close_session(passing, m.now);
  m.declare("g", 5);
  next = m.it.list_queues(next, 3, listed);
  CHECK(next == 0);
  std::string names;
  for (const auto queue : listed) names += m.it.name_of(queue);
  CHECK(names == "abcdeg");
}

TEST_CASE("what must be remembered of each command") {
  mill m;
  const auto s = m.session();
  m.put(s, "before anybody remembers");
  m.it.collect_changes(true);
  change_set changes;
  const auto taken = [&]() -> change_set& {
    m.it.take_changes(changes);
    return changes;
  };
  const auto job = m.take_id(s);
  CHECK(taken().empty());
  m.it.touch(s, job, m.now);
  CHECK(taken().empty());

  m.it.release(s, job, 4, 10s, m.now);
  REQUIRE(taken().size() == 1);
  auto moved = std::get<job_moved>(changes[0]);
  CHECK(moved.job == job);
  CHECK(moved.state == job_state::delayed);
  CHECK(moved.priority == 4);
  CHECK(moved.due == m.now + 10s);

  CHECK(m.it.reserve_job(s, job, m.now).status == reserve_status::reserved);
  REQUIRE(taken().size() == 1);
  CHECK(std::get<job_moved>(changes[0]).state == job_state::reserved);

  m.it.bury(s, job, 5, m.now);
  REQUIRE(taken().size() == 1);
  CHECK(std::get<job_moved>(changes[0]).state == job_state::buried);
  m.it.kick_job(job, m.now);
  REQUIRE(taken().size() == 1);
  CHECK(std::get<job_moved>(changes[0]).state == job_state::ready);

  m.it.pause(m.queue(), 5s, m.now).value();
  REQUIRE(taken().size() == 1);
  CHECK(std::get<queue_paused>(changes[0]).until == m.now + 5s);
  m.it.pause(m.queue(), 0s, m.now).value();
  REQUIRE(taken().size() == 1);
  CHECK(std::get<queue_paused>(changes[0]).until == no_pause);

  m.it.erase(s, job, m.now);
  REQUIRE(taken().size() == 1);
  CHECK(std::get<job_gone>(changes[0]).job == job);

  m.put(s, "later", {.priority = 8, .delay = 3s, .ttr = 0s});
  REQUIRE(taken().size() == 1);
  const auto put = std::get<job_put>(changes[0]);
  CHECK(put.state == job_state::delayed);
  CHECK(put.due == m.now + 3s);
  CHECK(put.what.ttr == 1s);
  CHECK(put.what.content.view() == "later");
}
