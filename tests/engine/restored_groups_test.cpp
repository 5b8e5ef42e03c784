// The engine restores groups that a store kept.
#include <memory>
#include <utility>

#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

namespace {

/// A group with three members, the first of which has succeeded.
kept_group kept(group_facts facts) {
  facts.name = "batch";
  facts.members = 3;
  facts.ended = facts.succeeded = 1;
  return {group_id{7}, std::move(facts), {{0, {job_id{1}, outcome::ok, "one", false}}}};
}

void restore_member(engine_fixture& fixture, std::uint64_t id, std::uint32_t place, group_id group = group_id{7}) {
  kept_job job;
  job.job = job_id{id};
  job.queue = fixture.engine.restore_queue("q");
  job.request.content = body{"job"};
  job_details details;
  details.group = group;
  details.group_place = place;
  job.details = std::make_shared<const job_details>(details);
  fixture.engine.restore(std::move(job), fixture.now);
}

void end_restoring(engine_fixture& fixture) {
  fixture.engine.restore_last_group(group_id{9});
  fixture.engine.restore_ids(100);
  REQUIRE(fixture.engine.end_restoring());
  fixture.engine.advance(fixture.now);
}

std::string outcome_in(engine_fixture& fixture, std::string_view queue) {
  const auto first = fixture.engine.first_ready(fixture.queue(queue));
  return first ? std::string{first->content.view()} : "-";
}

}  // namespace

TEST_CASE("a restored group has exact counts, and a member whose job is lost counts as dropped") {
  engine_fixture fixture;
  fixture.engine.restore_group(kept({.outcome_queue = "out", .state = group_state::closed}), fixture.now);
  restore_member(fixture, 2, 1);
  end_restoring(fixture);
  CHECK(fixture.engine.look_at_group(group_id{7})->ended == 2);
  const auto s = fixture.session();
  CHECK(fixture.take_id(s) == job_id{2});
  fixture.finish(s, job_id{2}, {.result_text = "two"});
  CHECK(outcome_in(fixture, "out") ==
        R"({"group":"batch","id":7,"ended":"all","jobs":3,"ok":2,"members":[{"id":1,"outcome":"ok","text":"one"},)"
        R"({"id":2,"outcome":"ok","text":"two"},)"
        R"({"id":0,"outcome":"dropped","error":"it was in memory when the daemon ended"}]})");
  CHECK(fixture.engine.first_ready(fixture.queue("out"))->job > job_id{100});
}

TEST_CASE("an outcome that waited for capacity when the daemon ended is put after the restart") {
  engine_fixture fixture;
  auto group = kept({.outcome_queue = "out", .state = group_state::ended});
  group.facts.members = 1;
  fixture.engine.restore_group(std::move(group), fixture.now);
  end_restoring(fixture);
  CHECK(outcome_in(fixture, "out").find(R"("text":"one")") != std::string::npos);
}

TEST_CASE("an outcome that was put before the restart is not put again") {
  engine_fixture fixture;
  auto group = kept({.outcome_queue = "out", .state = group_state::ended, .outcome_put = true});
  group.facts.members = 1;
  fixture.engine.restore_group(std::move(group), fixture.now);
  end_restoring(fixture);
  CHECK_FALSE(fixture.engine.find("out").has_value());
  CHECK(fixture.engine.look_at_group(group_id{7})->outcome_put);
}

TEST_CASE("members that were to be cancelled when the daemon ended are cancelled after the restart") {
  engine_fixture fixture;
  fixture.engine.restore_group(
      kept({.state = group_state::ended, .ends_with = group_end::first, .remaining = remaining_members::cancel}),
      fixture.now);
  restore_member(fixture, 2, 1);
  restore_member(fixture, 3, 2);
  end_restoring(fixture);
  fixture.pass(duration{0});
  CHECK(fixture.engine.job_count() == 0);
  CHECK(fixture.engine.groups_completed() == 1);
}

TEST_CASE("a producer continues its open group after a restart, and no time limit closes the group then") {
  engine_fixture fixture;
  fixture.engine.restore_group(kept({.state = group_state::open}), fixture.now);
  restore_member(fixture, 2, 1);
  restore_member(fixture, 3, 2);
  end_restoring(fixture);
  const auto s = fixture.session();
  CHECK(fixture.engine.continue_group(s, "batch", fixture.now) == group_id{7});
  CHECK_FALSE(fixture.engine.continue_group(s, "batch", fixture.now).has_value());
  fixture.pass(2h);
  CHECK(fixture.engine.put(s, fixture.queue(), {.content = body{"more"}, .group = group_id{7}}, fixture.now).status ==
        put_status::inserted);
  CHECK(fixture.engine.look_at_group(group_id{7})->members == 4);
}

TEST_CASE("the close of a restored group is as durable as the queues of its outcome and of its remaining jobs") {
  const auto safest = GENERATE(durability::relaxed, durability::sync);
  const auto* const owner = GENERATE("out", "q");
  engine_fixture fixture;
  fixture.engine.collect_changes(true);
  REQUIRE(fixture.engine.declare(owner, {.durability = safest}).has_value());
  fixture.engine.restore_group(kept({.outcome_queue = "out", .state = group_state::open}), fixture.now);
  restore_member(fixture, 2, 1);
  restore_member(fixture, 3, 2);
  end_restoring(fixture);
  change_set changes;
  fixture.engine.take_changes(changes);
  changes.clear();
  CHECK(fixture.engine.close_group(group_id{7}, fixture.now));
  fixture.engine.take_changes(changes);
  REQUIRE(changes.size() == 1);
  CHECK(std::get<group_changed>(changes[0]).durability == safest);
}

TEST_CASE("a restored open group that no producer continues is closed after an hour") {
  engine_fixture fixture;
  fixture.engine.restore_group(kept({.state = group_state::open}), fixture.now);
  restore_member(fixture, 2, 1);
  restore_member(fixture, 3, 2);
  end_restoring(fixture);
  fixture.pass(1h);
  CHECK(fixture.engine.look_at_group(group_id{7})->state == group_state::closed);
}

TEST_CASE("a released group is continued by the next run of its producer") {
  engine_fixture fixture;
  const auto first = fixture.session();
  const auto group = fixture.engine.open_group({.name = "batch"}, fixture.now, first).value();
  CHECK(fixture.engine.release_group(group, fixture.now));
  fixture.engine.close_session(first, fixture.now);
  CHECK(fixture.engine.look_at_group(group)->state == group_state::open);
  CHECK(fixture.engine.continue_group(fixture.session(), "batch", fixture.now) == group);
}

TEST_CASE("a restored job whose group was not kept is in no group, and no new group gets the id of that group") {
  engine_fixture fixture;
  restore_member(fixture, 2, 1, group_id{20});
  end_restoring(fixture);
  CHECK(fixture.engine.look(job_id{2})->details.group == group_id{});
  CHECK(fixture.engine.open_group({.name = "new"}, fixture.now).value() == group_id{21});
}

TEST_CASE("a restored outer group ends only after the outcome of its inner group") {
  engine_fixture fixture;
  auto outer = kept({.state = group_state::closed});
  outer.facts.members = 2;
  fixture.engine.restore_group(std::move(outer), fixture.now);
  fixture.engine.restore_group(
      {group_id{8}, {.name = "inner", .outcome_queue = "q", .outer = group_id{7}, .outer_place = 1}, {}}, fixture.now);
  end_restoring(fixture);
  CHECK(fixture.engine.look_at_group(group_id{7})->ended == 1);
  fixture.engine.close_group(group_id{8}, fixture.now);
  const auto s = fixture.session();
  fixture.finish(s, fixture.take_id(s));
  CHECK(fixture.engine.look_at_group(group_id{7})->state == group_state::ended);
}

TEST_CASE("a put of a group is all or nothing, and its members are recorded with their places") {
  engine_fixture fixture;
  fixture.engine.collect_changes(true);
  const auto queue = fixture.declare("q", 2);
  const auto jobs = [&](std::size_t count) {
    std::vector<output> all;
    all.reserve(count);
    for (std::size_t n = 0; n < count; ++n) all.push_back({queue, {.content = body{"job"}}});
    return all;
  };
  CHECK(fixture.engine.put_group({.name = "three"}, jobs(3), fixture.now).error().text ==
        "queue q: the jobs can never fit");
  CHECK(fixture.engine.job_count() == 0);
  const auto group =
      fixture.engine.put_group({.name = "two", .durability = durability::relaxed}, jobs(2), fixture.now).value();
  CHECK(fixture.engine.look_at_group(group)->state == group_state::closed);
  CHECK(fixture.engine.put_group({.name = "full"}, jobs(1), fixture.now).error().text == "queue q: it is full");
  change_set changes;
  fixture.engine.take_changes(changes);
  REQUIRE(changes.size() == 3);
  CHECK(std::get<job_put>(changes[0]).details->group_place == 0);
  CHECK(std::get<job_put>(changes[1]).details->group_place == 1);
  CHECK(std::get<group_changed>(changes[2]).facts.members == 2);
}
