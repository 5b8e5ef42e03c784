#include "engine/groups_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

TEST_CASE("the outcome of a group is put with the end of its last member, and lists members in the order of the puts") {
  groups_fixture fixture;
  const auto group = fixture.open();
  const auto first = fixture.put_member(group);
  const auto two = fixture.put_member(group);
  fixture.close(group);
  CHECK(fixture.take_next() == first);
  CHECK(fixture.take_next() == two);
  fixture.end(two, "second");
  CHECK(fixture.outcome_of_group() == "-");
  fixture.end(first, "first");
  CHECK(fixture.outcome_of_group() ==
        R"({"group":"batch","id":1,"ended":"all","jobs":2,"ok":2,"members":[)"
        R"({"id":1,"outcome":"ok","text":"first"},{"id":2,"outcome":"ok","text":"second"}]})");
  CHECK(fixture.facts(group).state == group_state::ended);
  CHECK(fixture.facts(group).outcome_put);
}

TEST_CASE("a group that is open does not end, though all members have ended") {
  groups_fixture fixture;
  const auto group = fixture.open();
  fixture.put_member(group);
  fixture.end(fixture.take_next());
  CHECK(fixture.outcome_of_group() == "-");
  fixture.close(group);
  CHECK(fixture.outcome_of_group() != "-");
}

TEST_CASE("a group without members ends when it is closed") {
  groups_fixture fixture;
  fixture.close(fixture.open());
  CHECK(fixture.outcome_of_group() == R"({"group":"batch","id":1,"ended":"all","jobs":0,"ok":0,"members":[]})");
}

TEST_CASE("failed, buried, dropped and deleted members have ended, each with its outcome") {
  groups_fixture fixture;
  fixture.declare("q", 4, overflow::drop_oldest);
  const auto group = fixture.open();
  fixture.put_member(group, "failed");
  fixture.put_member(group, "buried");
  fixture.put_member(group, "deleted by its holder");
  fixture.put_member(group, "deleted");
  fixture.close(group);
  fixture.fail(fixture.take_next(), "no \"number\"\n");
  fixture.engine.bury(fixture.client, fixture.take_next(), default_priority, fixture.now);
  fixture.engine.erase(fixture.client, fixture.take_next(), fixture.now);
  fixture.engine.erase(fixture.client, job_id{4}, fixture.now);
  CHECK(members_of(fixture.outcome_of_group()) == R"([{"id":1,"outcome":"failed","error":"no \"number\"\n"},)"
                                                  R"({"id":2,"outcome":"failed","error":"its client buried it"},)"
                                                  R"({"id":3,"outcome":"ok"},{"id":4,"outcome":"deleted"}]})");
}

TEST_CASE("a member that is dropped for a newer job has ended") {
  groups_fixture fixture;
  fixture.declare("q", 1, overflow::drop_oldest);
  const auto group = fixture.open();
  fixture.put_member(group);
  fixture.close(group);
  fixture.put(fixture.client, "newer");
  CHECK(members_of(fixture.outcome_of_group()) == R"([{"id":1,"outcome":"dropped"}]})");
}

TEST_CASE("a release and the end of a lease are no end of a member") {
  groups_fixture fixture;
  const auto group = fixture.open();
  const auto job = fixture.put_member(group);
  fixture.close(group);
  fixture.take_next();
  fixture.engine.release(fixture.client, job, default_priority, duration{0}, fixture.now);
  CHECK(fixture.take_next() == job);
  fixture.pass(2 * default_ttr);
  CHECK(fixture.facts(group).ended == 0);
  CHECK(fixture.take_next() == job);
  fixture.end(job);
  CHECK(fixture.facts(group).succeeded == 1);
}

TEST_CASE("a retry is no end of a member") {
  groups_fixture fixture;
  const auto group = fixture.open();
  const auto job = fixture.put_member(group);
  fixture.close(group);
  finish_request failed{.result = outcome::failed};
  failed.retry = retry_options{.attempts = 2};
  CHECK(fixture.finish(fixture.client, fixture.take_next(), failed) == finish_status::retried);
  CHECK(fixture.facts(group).ended == 0);
  fixture.pass(1h);
  CHECK(fixture.take_next() == job);
  CHECK(fixture.finish(fixture.client, job, failed) == finish_status::buried);
  CHECK(fixture.facts(group).ended == 1);
}

TEST_CASE("a buried member that is kicked and done later ended with its burial") {
  groups_fixture fixture;
  const auto group = fixture.open();
  const auto job = fixture.put_member(group);
  fixture.close(group);
  fixture.fail(fixture.take_next(), "first");
  CHECK(fixture.facts(group).state == group_state::ended);
  fixture.engine.kick_job(job, fixture.now);
  const auto again = fixture.engine.reserve_job(fixture.client, job, fixture.now);
  REQUIRE(again.status == reserve_status::reserved);
  fixture.end(job);
  CHECK(fixture.facts(group).ended == 1);
  CHECK(fixture.facts(group).succeeded == 0);
}

TEST_CASE("a dead letter has ended for its group and keeps its id") {
  groups_fixture fixture;
  const auto letters = fixture.declare("letters", 10);
  const auto group = fixture.open();
  const auto job = fixture.put_member(group);
  fixture.close(group);
  CHECK(fixture.finish(fixture.client, fixture.take_next(),
                       {.result = outcome::failed, .error_text = "no", .dead_letter = letters}) ==
        finish_status::dead_lettered);
  CHECK(members_of(fixture.outcome_of_group()) == R"([{"id":1,"outcome":"failed","error":"no"}]})");
  CHECK(fixture.engine.look(job)->details.group == group);
}

TEST_CASE("first: the group ends with the first member that is done") {
  groups_fixture fixture;
  const auto group = fixture.open({.outcome_queue = "out", .ends_with = group_end::first});
  for (int n = 0; n < 3; ++n) fixture.put_member(group);
  fixture.fail(fixture.take_next(), "no");
  CHECK(fixture.outcome_of_group() == "-");
  fixture.end(fixture.take_next(), "yes");
  CHECK(
      fixture.outcome_of_group() ==
      R"({"group":"batch","id":1,"ended":"first","jobs":3,"ok":1,"members":[{"id":1,"outcome":"failed","error":"no"},)"
      R"({"id":2,"outcome":"ok","text":"yes"},{"id":3,"outcome":"pending"}]})");
}

TEST_CASE("first: a group in which all members failed ends when it is closed") {
  groups_fixture fixture;
  const auto group = fixture.open({.outcome_queue = "out", .ends_with = group_end::first});
  fixture.put_member(group);
  fixture.fail(fixture.take_next());
  CHECK(fixture.outcome_of_group() == "-");
  fixture.close(group);
  CHECK(fixture.outcome_of_group().find(R"("ended":"all","jobs":1,"ok":0)") != std::string::npos);
}

TEST_CASE("first_failure: the group ends with the first member that fails, or when all are done") {
  groups_fixture fixture;
  const auto failing = fixture.open({.outcome_queue = "out", .ends_with = group_end::first_failure});
  for (int n = 0; n < 2; ++n) fixture.put_member(failing);
  fixture.end(fixture.take_next());
  CHECK(fixture.facts(failing).state == group_state::open);
  fixture.fail(fixture.take_next());
  CHECK(fixture.facts(failing).state == group_state::ended);
  CHECK(fixture.outcome_of_group().find(R"("ended":"first_failure")") != std::string::npos);

  const auto well = fixture.open({.ends_with = group_end::first_failure});
  fixture.put_member(well);
  fixture.close(well);
  const auto job = fixture.engine.first_ready(fixture.queue())->job;
  fixture.engine.reserve_job(fixture.client, job, fixture.now);
  fixture.end(job);
  CHECK(fixture.facts(well).state == group_state::ended);
}

TEST_CASE("members that remain are cancelled in any state, and the outcome comes when all have ended") {
  groups_fixture fixture;
  const auto group =
      fixture.open({.outcome_queue = "out", .ends_with = group_end::first, .remaining = remaining_members::cancel});
  for (int n = 0; n < 4; ++n) fixture.put_member(group);
  const auto waiting = fixture.engine.put(fixture.client, fixture.queue(),
                                          {.content = body{"later"}, .delay = 1h, .group = group}, fixture.now);
  const auto consumer = fixture.session();
  const auto with_ttr = fixture.take_next();
  const auto unlimited = fixture.take_id(consumer, lease::unlimited);
  fixture.end(fixture.take_next());
  CHECK(fixture.outcome_of_group() == "-");
  CHECK_FALSE(fixture.engine.close_group(group, fixture.now));
  fixture.pass(duration{0});
  CHECK(fixture.events() == texts{"cancelled 2: 2"});
  CHECK(fixture.end(with_ttr) == finish_status::not_found);
  CHECK(fixture.finish(consumer, unlimited) == finish_status::not_found);
  CHECK_FALSE(fixture.engine.look(waiting.job).has_value());
  CHECK(members_of(fixture.outcome_of_group()) ==
        R"([{"id":1,"outcome":"cancelled"},{"id":2,"outcome":"cancelled"},{"id":3,"outcome":"ok"},)"
        R"({"id":4,"outcome":"cancelled"},{"id":5,"outcome":"cancelled"}]})");
  CHECK(fixture.engine.groups_completed() == 1);
}

TEST_CASE("one turn cancels no more members than it may move") {
  groups_fixture fixture;
  const auto group = fixture.open({.ends_with = group_end::first, .remaining = remaining_members::cancel});
  const auto jobs = static_cast<std::uint32_t>(2 * moves_per_turn_max + 1);
  for (std::uint32_t n = 0; n < jobs; ++n) fixture.put_member(group);
  fixture.end(fixture.take_next());
  for (std::uint32_t left = jobs - 1; left > 0;) {
    CHECK(fixture.engine.next_deadline() == fixture.now);
    fixture.pass(duration{0});
    left -= std::min<std::uint32_t>(left, moves_per_turn_max);
    CHECK(fixture.engine.job_count() == left);
  }
  CHECK(fixture.facts(group).ended == jobs);
}

TEST_CASE("a put cannot join a group that is closed, gone or cancelled, and is refused for that") {
  groups_fixture fixture;
  const auto closed = fixture.open({.ends_with = group_end::all});
  fixture.close(closed);
  const auto answer = fixture.offer_member(closed, "late");
  CHECK(answer.status == put_status::refused);
  CHECK(answer.refusal == reason::cancelled);
  CHECK(fixture.offer_member(group_id{99}, "late").status == put_status::refused);

  const auto cancelled = fixture.open({.ends_with = group_end::first, .remaining = remaining_members::cancel});
  fixture.put_member(cancelled);
  fixture.end(fixture.take_next());
  CHECK(fixture.offer_member(cancelled, "late").status == put_status::refused);
  CHECK(fixture.engine.job_count() == 0);
}

TEST_CASE("an ended group that keeps its members takes more until it is closed, and is over when they have ended") {
  groups_fixture fixture;
  const auto group = fixture.open({.name = "kept", .outcome_queue = "out", .ends_with = group_end::first});
  fixture.put_member(group);
  fixture.end(fixture.take_next());
  CHECK(fixture.facts(group).state == group_state::ended);
  fixture.put_member(group);
  fixture.close(group);
  CHECK_FALSE(fixture.engine.groups_are_over("kept"));
  fixture.end(fixture.engine.reserve_job(fixture.client, fixture.engine.first_ready(fixture.queue())->job, fixture.now)
                  .job.job);
  CHECK(fixture.engine.groups_are_over("kept"));
  CHECK(fixture.facts(group).members == 2);
}

TEST_CASE("a put that waits for capacity joins when it is admitted") {
  groups_fixture fixture;
  fixture.declare("q", 1);
  const auto group = fixture.open();
  const auto first = fixture.put_member(group);
  CHECK(fixture.offer_member(group, "waits").status == put_status::waiting);
  CHECK(fixture.facts(group).members == 1);
  const auto other = fixture.session();
  CHECK(fixture.take_id(other) == first);
  fixture.finish(other, first);
  CHECK(fixture.facts(group).members == 2);
}

TEST_CASE("a put that waited while its group cancelled its members is cancelled") {
  groups_fixture fixture;
  fixture.declare("q", 1);
  const auto group = fixture.open({.ends_with = group_end::first, .remaining = remaining_members::cancel});
  const auto first = fixture.put_member(group);
  CHECK(fixture.offer_member(group, "waits").status == put_status::waiting);
  const auto other = fixture.session();
  CHECK(fixture.take_id(other) == first);
  fixture.finish(other, first);
  CHECK(fixture.events() == texts{"put 1: 2"});
  CHECK(fixture.engine.job_count() == 0);
}

TEST_CASE("the end of a session closes its groups") {
  groups_fixture fixture;
  const auto producer = fixture.engine.open_session();
  const auto group = fixture.engine.open_group({.name = "b"}, fixture.now, producer).value();
  const auto closed = fixture.engine.open_group({.name = "c"}, fixture.now, producer).value();
  fixture.close(closed);
  fixture.pass(2h);
  CHECK(fixture.facts(group).state == group_state::open);
  fixture.engine.close_session(producer, fixture.now);
  CHECK(fixture.facts(group).state == group_state::ended);
}

TEST_CASE("a group without an owner is closed when it was open too long") {
  groups_fixture fixture{{.group_open_max = 5min}};
  const auto group = fixture.open();
  fixture.put_member(group);
  fixture.pass(5min - 1ns);
  CHECK(fixture.facts(group).state == group_state::open);
  fixture.pass(1ns);
  CHECK(fixture.facts(group).state == group_state::closed);
  CHECK(fixture.engine.next_deadline() == never);
}

TEST_CASE("the outcome of a group is a member of the outer group, which waits for it") {
  groups_fixture fixture;
  const auto outer = fixture.open({.name = "outer", .outcome_queue = "all"});
  const auto inner = fixture.open({.name = "inner", .outcome_queue = "out", .outer = outer});
  fixture.close(outer);
  CHECK(fixture.facts(outer).members == 1);
  CHECK(fixture.facts(outer).state == group_state::closed);
  fixture.close(inner);
  const auto outcome = fixture.engine.first_ready(fixture.queue("out"))->job;
  CHECK(fixture.engine.look(outcome)->details.group == outer);
  CHECK(fixture.facts(outer).state == group_state::closed);
  fixture.end(fixture.take_next(), "seen");
  CHECK(members_of(std::string{fixture.engine.first_ready(fixture.queue("all"))->content.view()}) ==
        R"([{"id":1,"outcome":"ok","text":"seen"}]})");
}

TEST_CASE("an outer group that cancels its members does not wait for the outcome of another") {
  groups_fixture fixture;
  const auto outer =
      fixture.open({.name = "outer", .ends_with = group_end::first, .remaining = remaining_members::cancel});
  const auto inner = fixture.open({.name = "inner", .outcome_queue = "out", .outer = outer});
  fixture.put_member(outer);
  fixture.end(fixture.take_next());
  fixture.pass(duration{0});
  CHECK(fixture.facts(outer).ended == 2);
  fixture.close(inner);
  CHECK(fixture.outcome_of_group() == "-");
  CHECK(fixture.facts(inner).outcome_put);
}

TEST_CASE("groups and their members are limited") {
  groups_fixture fixture{{.groups_max = 1, .group_members_max = 1}};
  const auto group = fixture.open();
  CHECK(fixture.engine.open_group({.name = "b"}, fixture.now).error().text == "groups are limited to 1");
  fixture.put_member(group);
  const auto refused = fixture.offer_member(group, "one more");
  CHECK(refused.status == put_status::refused);
  CHECK(refused.refusal == reason::overflow);
}

TEST_CASE("groups that are over can be looked at, until there are too many of them") {
  groups_fixture fixture{{.groups_ended_kept = 1}};
  const auto first = fixture.open();
  const auto two = fixture.open();
  fixture.close(two);
  fixture.close(first);
  CHECK(fixture.engine.look_at_group(first).has_value());
  CHECK_FALSE(fixture.engine.look_at_group(two).has_value());
  CHECK(fixture.engine.group_count() == 0);
}

TEST_CASE("a reserved job says whether its result is wanted") {
  groups_fixture fixture;
  fixture.put_member(fixture.open());
  fixture.put(fixture.client);
  CHECK(fixture.engine.reserve(fixture.client, lease::ttr, fixture.now, fixture.now).job.in_group);
  CHECK_FALSE(fixture.engine.reserve(fixture.client, lease::ttr, fixture.now, fixture.now).job.in_group);
}
