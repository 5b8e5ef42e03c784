#include <algorithm>

#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

TEST_CASE("a queue comes into being when someone uses or watches it, and goes when nothing holds it") {
  engine_fixture fixture;
  const auto s = fixture.engine.open_session();
  CHECK(fixture.engine.watch(s, "kept").value() == 1);
  CHECK(fixture.engine.ignore(s, "unknown").value() == 1);
  CHECK_FALSE(fixture.engine.find("unknown").has_value());
  const auto a = fixture.engine.use(s, "a").value();
  CHECK(fixture.engine.name_of(a) == "a");
  CHECK(fixture.engine.used(s) == a);
  const auto job = fixture.put(s);
  fixture.engine.use(s, "b").value();
  CHECK(fixture.engine.find("a") == a);
  CHECK(fixture.engine.erase(s, job, fixture.now));
  CHECK_FALSE(fixture.engine.find("a").has_value());
  CHECK(fixture.engine.name_of(a).empty());
  CHECK(fixture.engine.queue_count() == 2);
  CHECK(fixture.engine.counts_of_removed().puts.value() == 0);
  const auto row = std::ranges::find(fixture.engine.rows().all(), "a", &queue_row::name);
  REQUIRE(row != fixture.engine.rows().all().end());
  CHECK(row->before.puts.value() == 1);
}

TEST_CASE("a watched queue goes when it is ignored") {
  engine_fixture fixture;
  const auto s = fixture.session({"a", "b"});
  fixture.engine.use(s, "a").value();
  CHECK(fixture.engine.ignore(s, "b").value() == 1);
  CHECK_FALSE(fixture.engine.find("b").has_value());
}

TEST_CASE("a declared queue stays when it is empty and unused") {
  engine_fixture fixture;
  const auto q = fixture.declare("q", 5);
  const auto s = fixture.session({"q"});
  const auto job = fixture.put(s);
  fixture.engine.erase(s, job, fixture.now);
  CHECK(fixture.engine.close_session(s, fixture.now));
  CHECK(fixture.engine.find("q") == q);
  CHECK(fixture.engine.options_of(q).max_jobs == 5);
}

TEST_CASE("declaring a queue that is there changes its options and keeps its jobs") {
  engine_fixture fixture;
  const auto s = fixture.session();
  fixture.put(s, "x");
  const auto q = fixture.declare("q", 7);
  CHECK(q == fixture.queue());
  CHECK(fixture.engine.options_of(q).max_jobs == 7);
  CHECK(fixture.take(s) == "x");
}

TEST_CASE("a name that is used again makes a new queue with a new id and fresh counts") {
  engine_fixture fixture;
  const auto s = fixture.engine.open_session();
  const auto first = fixture.engine.use(s, "a").value();
  fixture.engine.pause(first, 60s, fixture.now).value();
  fixture.engine.use(s, "b").value();
  const auto second = fixture.engine.use(s, "a").value();
  CHECK(first != second);
  CHECK(fixture.engine.counts(second).pauses.value() == 0);
  CHECK(fixture.engine.levels(second).paused_until == no_pause);
  CHECK(fixture.engine.next_deadline() == never);
  CHECK(fixture.engine.name_of(first).empty());
}

TEST_CASE("queues that nobody declared get the default options") {
  engine_fixture fixture;
  fixture.engine.set_queue_defaults({.max_jobs = 1, .when_full = overflow::reject});
  const auto s = fixture.session();
  fixture.put(s);
  CHECK(fixture.offer(s, "more").status == put_status::refused);
}

TEST_CASE("watching twice counts once, and the only watched queue cannot be ignored") {
  engine_fixture fixture;
  const auto s = fixture.engine.open_session();
  CHECK(fixture.engine.watch(s, "a").value() == 1);
  CHECK(fixture.engine.watch(s, "a").value() == 1);
  CHECK(fixture.engine.watch(s, "b").value() == 2);
  CHECK(fixture.engine.watched(s)[0] == fixture.queue("a"));
  CHECK(fixture.engine.ignore(s, "a").value() == 1);
  const auto last = fixture.engine.ignore(s, "b");
  REQUIRE(last.has_error());
  CHECK(last.error().code == errc::refused);
}

TEST_CASE("the number of queues and of watched queues is limited") {
  engine_fixture fixture{{.queues_max = 3, .watched_queues_max = 2}};
  const auto s = fixture.session({"a", "b"});
  CHECK(fixture.engine.watch(s, "a").value() == 2);
  CHECK(fixture.engine.watch(s, "c").error().code == errc::refused);
  CHECK_FALSE(fixture.engine.find("c").has_value());
  CHECK(fixture.engine.use(s, "c").has_value());
  CHECK(fixture.engine.declare("d", {}).error().code == errc::refused);
  CHECK(fixture.engine.use(s, "d").error().code == errc::refused);
  CHECK(fixture.engine.used(s) == fixture.queue("c"));
}

TEST_CASE("when a session ends its jobs become ready at once, and go to who waits") {
  engine_fixture fixture;
  const auto s = fixture.session({"q"});
  const auto other = fixture.session({"q"});
  const auto first = fixture.put(s, "1");
  const auto two = fixture.put(s, "2");
  fixture.take_all(s);
  CHECK(fixture.reserve(other, 60s) == reserve_status::waiting);
  CHECK(fixture.engine.close_session(s, fixture.now));
  CHECK(fixture.events() == texts{"granted 2: 1"});
  CHECK(fixture.state(two) == job_state::ready);
  CHECK(fixture.engine.look(first)->reserves == 2);
  CHECK(fixture.engine.look(two)->reserves == 1);
  CHECK(fixture.engine.look(two)->timeouts == 0);
  CHECK(fixture.engine.look(two)->releases == 0);
  CHECK(fixture.engine.levels(fixture.queue()).using_sessions == 1);
}

TEST_CASE("a session that ends while it waits swallows no job, and lets go what it used and watched") {
  engine_fixture fixture;
  const auto s = fixture.session({"a", "b"});
  CHECK(fixture.reserve(s, 60s) == reserve_status::waiting);
  CHECK(fixture.engine.close_session(s, fixture.now));
  CHECK(fixture.engine.queue_count() == 0);
  CHECK(fixture.engine.next_deadline() == never);
  fixture.put(fixture.session({"a"}));
  CHECK(fixture.events().empty());
}

TEST_CASE("a session that held many jobs gives them back a thousand a turn") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto other = fixture.session();
  for (int i = 0; i < 2'500; ++i) fixture.put(s);
  fixture.take_all(s);
  CHECK_FALSE(fixture.engine.close_session(s, fixture.now));
  CHECK(fixture.engine.levels(fixture.queue()).ready == 1'000);
  CHECK_FALSE(fixture.engine.close_session(s, fixture.now));
  CHECK(fixture.engine.close_session(s, fixture.now));
  CHECK(fixture.engine.levels(fixture.queue()).ready == 2'500);
  CHECK(fixture.take(other) == "job");
}

TEST_CASE("ids of sessions that are gone are not given out again") {
  engine_fixture fixture;
  const auto first = fixture.engine.open_session();
  fixture.engine.close_session(first, fixture.now);
  CHECK(fixture.engine.open_session() != first);
  CHECK(fixture.engine.used(first) == queue_id{});
}

TEST_CASE(
    "queues are listed in order of creation, in slices, and changes meanwhile neither repeat nor lose one that stays") {
  engine_fixture fixture;
  for (const auto name : {"a", "b", "c", "d", "e"}) fixture.declare(name, 5);
  const auto passing = fixture.session({"f"});
  std::vector<queue_id> listed;
  auto next = fixture.engine.list_queues(0, 2, listed);
  CHECK(next != 0);
  next = fixture.engine.list_queues(next, 3, listed);
  fixture.engine.close_session(passing, fixture.now);
  fixture.declare("g", 5);
  next = fixture.engine.list_queues(next, 3, listed);
  CHECK(next == 0);
  std::string names;
  for (const auto queue : listed) names += fixture.engine.name_of(queue);
  CHECK(names == "abcdeg");
}

TEST_CASE("a command gives the change that a store must keep, and a reserve of a ready job or a touch gives none") {
  engine_fixture fixture;
  const auto s = fixture.session();
  fixture.put(s, "before anybody remembers");
  fixture.engine.collect_changes(true);
  change_set changes;
  const auto taken = [&]() -> change_set& {
    fixture.engine.take_changes(changes);
    return changes;
  };
  const auto job = fixture.take_id(s);
  CHECK(taken().empty());
  fixture.engine.touch(s, job, fixture.now);
  CHECK(taken().empty());

  fixture.engine.release(s, job, 4, 10s, fixture.now);
  REQUIRE(taken().size() == 1);
  auto moved = std::get<job_moved>(changes[0]);
  CHECK(moved.job == job);
  CHECK(moved.state == job_state::delayed);
  CHECK(moved.priority == 4);
  CHECK(moved.due == fixture.now + 10s);

  CHECK(fixture.engine.reserve_job(s, job, fixture.now).status == reserve_status::reserved);
  REQUIRE(taken().size() == 1);
  CHECK(std::get<job_moved>(changes[0]).state == job_state::reserved);

  fixture.engine.bury(s, job, 5, fixture.now);
  REQUIRE(taken().size() == 1);
  CHECK(std::get<job_moved>(changes[0]).state == job_state::buried);
  fixture.engine.kick_job(job, fixture.now);
  REQUIRE(taken().size() == 1);
  CHECK(std::get<job_moved>(changes[0]).state == job_state::ready);

  fixture.engine.pause(fixture.queue(), 5s, fixture.now).value();
  REQUIRE(taken().size() == 1);
  CHECK(std::get<queue_paused>(changes[0]).until == fixture.now + 5s);
  fixture.engine.pause(fixture.queue(), 0s, fixture.now).value();
  REQUIRE(taken().size() == 1);
  CHECK(std::get<queue_paused>(changes[0]).until == no_pause);

  fixture.engine.erase(s, job, fixture.now);
  REQUIRE(taken().size() == 1);
  CHECK(std::get<job_gone>(changes[0]).job == job);

  fixture.put(s, "later", {.priority = 8, .delay = 3s, .ttr = 0s});
  REQUIRE(taken().size() == 1);
  const auto put = std::get<job_put>(changes[0]);
  CHECK(put.state == job_state::delayed);
  CHECK(put.due == fixture.now + 3s);
  CHECK(put.request.ttr == 1s);
  CHECK(put.request.content.view() == "later");
}
