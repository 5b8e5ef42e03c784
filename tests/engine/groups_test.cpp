#include "engine/groups_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

TEST_CASE("the outcome of a group is put with the end of its last member, and lists members in the order of the puts") {
  groups_fixture m;
  const auto group = m.open();
  const auto first = m.put_member(group);
  const auto two = m.put_member(group);
  m.close(group);
  CHECK(m.take_next() == first);
  CHECK(m.take_next() == two);
  m.end(two, "second");
  CHECK(m.outcome_of_group() == "-");
  m.end(first, "first");
  CHECK(m.outcome_of_group() == R"({"group":"batch","id":1,"ended":"all","jobs":2,"ok":2,"members":[)"
                                R"({"id":1,"outcome":"ok","text":"first"},{"id":2,"outcome":"ok","text":"second"}]})");
  CHECK(m.facts(group).state == group_state::ended);
  CHECK(m.facts(group).outcome_put);
}

TEST_CASE("a group that is open does not end, though all members have ended") {
  groups_fixture m;
  const auto group = m.open();
  m.put_member(group);
  m.end(m.take_next());
  CHECK(m.outcome_of_group() == "-");
  m.close(group);
  CHECK(m.outcome_of_group() != "-");
}

TEST_CASE("a group without members ends when it is closed") {
  groups_fixture m;
  m.close(m.open());
  CHECK(m.outcome_of_group() == R"({"group":"batch","id":1,"ended":"all","jobs":0,"ok":0,"members":[]})");
}

TEST_CASE("failed, buried, dropped and deleted members have ended, each with its outcome") {
  groups_fixture m;
  m.declare("q", 4, overflow::drop_oldest);
  const auto group = m.open();
  m.put_member(group, "failed");
  m.put_member(group, "buried");
  m.put_member(group, "deleted by its holder");
  m.put_member(group, "deleted");
  m.close(group);
  m.fail(m.take_next(), "no \"number\"\n");
  m.engine.bury(m.client, m.take_next(), default_priority, m.now);
  m.engine.erase(m.client, m.take_next(), m.now);
  m.engine.erase(m.client, job_id{4}, m.now);
  CHECK(members_of(m.outcome_of_group()) == R"([{"id":1,"outcome":"failed","error":"no \"number\"\n"},)"
                                            R"({"id":2,"outcome":"failed","error":"its client buried it"},)"
                                            R"({"id":3,"outcome":"ok"},{"id":4,"outcome":"deleted"}]})");
}

TEST_CASE("a member that is dropped for a newer job has ended") {
  groups_fixture m;
  m.declare("q", 1, overflow::drop_oldest);
  const auto group = m.open();
  m.put_member(group);
  m.close(group);
  m.put(m.client, "newer");
  CHECK(members_of(m.outcome_of_group()) == R"([{"id":1,"outcome":"dropped"}]})");
}

TEST_CASE("a release and the end of a lease are no end of a member") {
  groups_fixture m;
  const auto group = m.open();
  const auto job = m.put_member(group);
  m.close(group);
  m.take_next();
  m.engine.release(m.client, job, default_priority, duration{0}, m.now);
  CHECK(m.take_next() == job);
  m.pass(2 * default_ttr);
  CHECK(m.facts(group).ended == 0);
  CHECK(m.take_next() == job);
  m.end(job);
  CHECK(m.facts(group).succeeded == 1);
}

TEST_CASE("a retry is no end of a member") {
  groups_fixture m;
  const auto group = m.open();
  const auto job = m.put_member(group);
  m.close(group);
  finish_request failed{.result = outcome::failed};
  failed.retry = retry_options{.attempts = 2};
  CHECK(m.finish(m.client, m.take_next(), failed) == finish_status::retried);
  CHECK(m.facts(group).ended == 0);
  m.pass(1h);
  CHECK(m.take_next() == job);
  CHECK(m.finish(m.client, job, failed) == finish_status::buried);
  CHECK(m.facts(group).ended == 1);
}

TEST_CASE("a buried member that is kicked and done later ended with its burial") {
  groups_fixture m;
  const auto group = m.open();
  const auto job = m.put_member(group);
  m.close(group);
  m.fail(m.take_next(), "first");
  CHECK(m.facts(group).state == group_state::ended);
  m.engine.kick_job(job, m.now);
  const auto again = m.engine.reserve_job(m.client, job, m.now);
  REQUIRE(again.status == reserve_status::reserved);
  m.end(job);
  CHECK(m.facts(group).ended == 1);
  CHECK(m.facts(group).succeeded == 0);
}

TEST_CASE("a dead letter has ended for its group and keeps its id") {
  groups_fixture m;
  const auto letters = m.declare("letters", 10);
  const auto group = m.open();
  const auto job = m.put_member(group);
  m.close(group);
  CHECK(m.finish(m.client, m.take_next(), {.result = outcome::failed, .error_text = "no", .dead_letter = letters}) ==
        finish_status::dead_lettered);
  CHECK(members_of(m.outcome_of_group()) == R"([{"id":1,"outcome":"failed","error":"no"}]})");
  CHECK(m.engine.look(job)->details.group == group);
}

TEST_CASE("first: the group ends with the first member that is done") {
  groups_fixture m;
  const auto group = m.open({.outcome_queue = "out", .ends_with = group_end::first});
  for (int n = 0; n < 3; ++n) m.put_member(group);
  m.fail(m.take_next(), "no");
  CHECK(m.outcome_of_group() == "-");
  m.end(m.take_next(), "yes");
  CHECK(
      m.outcome_of_group() ==
      R"({"group":"batch","id":1,"ended":"first","jobs":3,"ok":1,"members":[{"id":1,"outcome":"failed","error":"no"},)"
      R"({"id":2,"outcome":"ok","text":"yes"},{"id":3,"outcome":"pending"}]})");
}

TEST_CASE("first: a group in which all members failed ends when it is closed") {
  groups_fixture m;
  const auto group = m.open({.outcome_queue = "out", .ends_with = group_end::first});
  m.put_member(group);
  m.fail(m.take_next());
  CHECK(m.outcome_of_group() == "-");
  m.close(group);
  CHECK(m.outcome_of_group().find(R"("ended":"all","jobs":1,"ok":0)") != std::string::npos);
}

TEST_CASE("first_failure: the group ends with the first member that fails, or when all are done") {
  groups_fixture m;
  const auto failing = m.open({.outcome_queue = "out", .ends_with = group_end::first_failure});
  for (int n = 0; n < 2; ++n) m.put_member(failing);
  m.end(m.take_next());
  CHECK(m.facts(failing).state == group_state::open);
  m.fail(m.take_next());
  CHECK(m.facts(failing).state == group_state::ended);
  CHECK(m.outcome_of_group().find(R"("ended":"first_failure")") != std::string::npos);

  const auto well = m.open({.ends_with = group_end::first_failure});
  m.put_member(well);
  m.close(well);
  const auto job = m.engine.first_ready(m.queue())->job;
  m.engine.reserve_job(m.client, job, m.now);
  m.end(job);
  CHECK(m.facts(well).state == group_state::ended);
}

TEST_CASE("members that remain are cancelled in any state, and the outcome comes when all have ended") {
  groups_fixture m;
  const auto group =
      m.open({.outcome_queue = "out", .ends_with = group_end::first, .remaining = remaining_members::cancel});
  for (int n = 0; n < 4; ++n) m.put_member(group);
  const auto waiting =
      m.engine.put(m.client, m.queue(), {.content = body{"later"}, .delay = 1h, .group = group}, m.now);
  const auto consumer = m.session();
  const auto with_ttr = m.take_next();
  const auto unlimited = m.take_id(consumer, lease::unlimited);
  m.end(m.take_next());
  CHECK(m.outcome_of_group() == "-");
  CHECK_FALSE(m.engine.close_group(group, m.now));
  m.pass(duration{0});
  CHECK(m.events() == texts{"cancelled 2: 2"});
  CHECK(m.end(with_ttr) == finish_status::not_found);
  CHECK(m.finish(consumer, unlimited) == finish_status::not_found);
  CHECK_FALSE(m.engine.look(waiting.job).has_value());
  CHECK(members_of(m.outcome_of_group()) ==
        R"([{"id":1,"outcome":"cancelled"},{"id":2,"outcome":"cancelled"},{"id":3,"outcome":"ok"},)"
        R"({"id":4,"outcome":"cancelled"},{"id":5,"outcome":"cancelled"}]})");
  CHECK(m.engine.groups_completed() == 1);
}

TEST_CASE("one turn cancels no more members than it may move") {
  groups_fixture m;
  const auto group = m.open({.ends_with = group_end::first, .remaining = remaining_members::cancel});
  const auto jobs = static_cast<std::uint32_t>(2 * moves_per_turn_max + 1);
  for (std::uint32_t n = 0; n < jobs; ++n) m.put_member(group);
  m.end(m.take_next());
  for (std::uint32_t left = jobs - 1; left > 0;) {
    CHECK(m.engine.next_deadline() == m.now);
    m.pass(duration{0});
    left -= std::min<std::uint32_t>(left, moves_per_turn_max);
    CHECK(m.engine.job_count() == left);
  }
  CHECK(m.facts(group).ended == jobs);
}

TEST_CASE("a put cannot join a group that is closed, gone or cancelled, and is refused for that") {
  groups_fixture m;
  const auto closed = m.open({.ends_with = group_end::all});
  m.close(closed);
  const auto answer = m.offer_member(closed, "late");
  CHECK(answer.status == put_status::refused);
  CHECK(answer.refusal == reason::cancelled);
  CHECK(m.offer_member(group_id{99}, "late").status == put_status::refused);

  const auto cancelled = m.open({.ends_with = group_end::first, .remaining = remaining_members::cancel});
  m.put_member(cancelled);
  m.end(m.take_next());
  CHECK(m.offer_member(cancelled, "late").status == put_status::refused);
  CHECK(m.engine.job_count() == 0);
}

TEST_CASE("an ended group that keeps its members takes more until it is closed, and is over when they have ended") {
  groups_fixture m;
  const auto group = m.open({.name = "kept", .outcome_queue = "out", .ends_with = group_end::first});
  m.put_member(group);
  m.end(m.take_next());
  CHECK(m.facts(group).state == group_state::ended);
  m.put_member(group);
  m.close(group);
  CHECK_FALSE(m.engine.groups_are_over("kept"));
  m.end(m.engine.reserve_job(m.client, m.engine.first_ready(m.queue())->job, m.now).job.job);
  CHECK(m.engine.groups_are_over("kept"));
  CHECK(m.facts(group).members == 2);
}

TEST_CASE("a put that waits for capacity joins when it is admitted") {
  groups_fixture m;
  m.declare("q", 1);
  const auto group = m.open();
  const auto first = m.put_member(group);
  CHECK(m.offer_member(group, "waits").status == put_status::waiting);
  CHECK(m.facts(group).members == 1);
  const auto other = m.session();
  CHECK(m.take_id(other) == first);
  m.finish(other, first);
  CHECK(m.facts(group).members == 2);
}

TEST_CASE("a put that waited while its group cancelled its members is cancelled") {
  groups_fixture m;
  m.declare("q", 1);
  const auto group = m.open({.ends_with = group_end::first, .remaining = remaining_members::cancel});
  const auto first = m.put_member(group);
  CHECK(m.offer_member(group, "waits").status == put_status::waiting);
  const auto other = m.session();
  CHECK(m.take_id(other) == first);
  m.finish(other, first);
  CHECK(m.events() == texts{"put 1: 2"});
  CHECK(m.engine.job_count() == 0);
}

TEST_CASE("the end of a session closes its groups") {
  groups_fixture m;
  const auto producer = m.engine.open_session();
  const auto group = m.engine.open_group({.name = "b"}, m.now, producer).value();
  const auto closed = m.engine.open_group({.name = "c"}, m.now, producer).value();
  m.close(closed);
  m.pass(2h);
  CHECK(m.facts(group).state == group_state::open);
  m.engine.close_session(producer, m.now);
  CHECK(m.facts(group).state == group_state::ended);
}

TEST_CASE("a group without an owner is closed when it was open too long") {
  groups_fixture m{{.group_open_max = 5min}};
  const auto group = m.open();
  m.put_member(group);
  m.pass(5min - 1ns);
  CHECK(m.facts(group).state == group_state::open);
  m.pass(1ns);
  CHECK(m.facts(group).state == group_state::closed);
  CHECK(m.engine.next_deadline() == never);
}

TEST_CASE("the outcome of a group is a member of the outer group, which waits for it") {
  groups_fixture m;
  const auto outer = m.open({.name = "outer", .outcome_queue = "all"});
  const auto inner = m.open({.name = "inner", .outcome_queue = "out", .outer = outer});
  m.close(outer);
  CHECK(m.facts(outer).members == 1);
  CHECK(m.facts(outer).state == group_state::closed);
  m.close(inner);
  const auto outcome = m.engine.first_ready(m.queue("out"))->job;
  CHECK(m.engine.look(outcome)->details.group == outer);
  CHECK(m.facts(outer).state == group_state::closed);
  m.end(m.take_next(), "seen");
  CHECK(members_of(std::string{m.engine.first_ready(m.queue("all"))->content.view()}) ==
        R"([{"id":1,"outcome":"ok","text":"seen"}]})");
}

TEST_CASE("an outer group that cancels its members does not wait for the outcome of another") {
  groups_fixture m;
  const auto outer = m.open({.name = "outer", .ends_with = group_end::first, .remaining = remaining_members::cancel});
  const auto inner = m.open({.name = "inner", .outcome_queue = "out", .outer = outer});
  m.put_member(outer);
  m.end(m.take_next());
  m.pass(duration{0});
  CHECK(m.facts(outer).ended == 2);
  m.close(inner);
  CHECK(m.outcome_of_group() == "-");
  CHECK(m.facts(inner).outcome_put);
}

TEST_CASE("groups and their members are limited") {
  groups_fixture m{{.groups_max = 1, .group_members_max = 1}};
  const auto group = m.open();
  CHECK(m.engine.open_group({.name = "b"}, m.now).error().text == "groups are limited to 1");
  m.put_member(group);
  const auto refused = m.offer_member(group, "one more");
  CHECK(refused.status == put_status::refused);
  CHECK(refused.refusal == reason::overflow);
}

TEST_CASE("groups that are over can be looked at, until there are too many of them") {
  groups_fixture m{{.groups_ended_kept = 1}};
  const auto first = m.open();
  const auto two = m.open();
  m.close(two);
  m.close(first);
  CHECK(m.engine.look_at_group(first).has_value());
  CHECK_FALSE(m.engine.look_at_group(two).has_value());
  CHECK(m.engine.group_count() == 0);
}

TEST_CASE("a reserved job says whether its result is wanted") {
  groups_fixture m;
  m.put_member(m.open());
  m.put(m.client);
  CHECK(m.engine.reserve(m.client, lease::ttr, m.now, m.now).job.in_group);
  CHECK_FALSE(m.engine.reserve(m.client, lease::ttr, m.now, m.now).job.in_group);
}
