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

void restore_member(engine_fixture& m, std::uint64_t id, std::uint32_t place, group_id group = group_id{7}) {
  kept_job job;
  job.job = job_id{id};
  job.queue = m.engine.restore_queue("q");
  job.request.content = body{"job"};
  job_details details;
  details.group = group;
  details.group_place = place;
  job.details = std::make_shared<const job_details>(details);
  m.engine.restore(std::move(job), m.now);
}

void end_restoring(engine_fixture& m) {
  m.engine.restore_last_group(group_id{9});
  m.engine.restore_ids(100);
  REQUIRE(m.engine.end_restoring());
  m.engine.advance(m.now);
}

std::string outcome_in(engine_fixture& m, std::string_view queue) {
  const auto first = m.engine.first_ready(m.queue(queue));
  return first ? std::string{first->content.view()} : "-";
}

}  // namespace

TEST_CASE("a restored group has exact counts, and a member whose job is lost counts as dropped") {
  engine_fixture m;
  m.engine.restore_group(kept({.outcome_queue = "out", .state = group_state::closed}), m.now);
  restore_member(m, 2, 1);
  end_restoring(m);
  CHECK(m.engine.look_at_group(group_id{7})->ended == 2);
  const auto s = m.session();
  CHECK(m.take_id(s) == job_id{2});
  m.finish(s, job_id{2}, {.result_text = "two"});
  CHECK(outcome_in(m, "out") ==
        R"({"group":"batch","id":7,"ended":"all","jobs":3,"ok":2,"members":[{"id":1,"outcome":"ok","text":"one"},)"
        R"({"id":2,"outcome":"ok","text":"two"},)"
        R"({"id":0,"outcome":"dropped","error":"it was in memory when the daemon ended"}]})");
  CHECK(m.engine.first_ready(m.queue("out"))->job > job_id{100});
}

TEST_CASE("an outcome that waited for capacity when the daemon ended is put after the restart") {
  engine_fixture m;
  auto group = kept({.outcome_queue = "out", .state = group_state::ended});
  group.facts.members = 1;
  m.engine.restore_group(std::move(group), m.now);
  end_restoring(m);
  CHECK(outcome_in(m, "out").find(R"("text":"one")") != std::string::npos);
}

TEST_CASE("an outcome that was put before the restart is not put again") {
  engine_fixture m;
  auto group = kept({.outcome_queue = "out", .state = group_state::ended, .outcome_put = true});
  group.facts.members = 1;
  m.engine.restore_group(std::move(group), m.now);
  end_restoring(m);
  CHECK_FALSE(m.engine.find("out").has_value());
  CHECK(m.engine.look_at_group(group_id{7})->outcome_put);
}

TEST_CASE("members that were to be cancelled when the daemon ended are cancelled after the restart") {
  engine_fixture m;
  m.engine.restore_group(
      kept({.state = group_state::ended, .ends_with = group_end::first, .remaining = remaining_members::cancel}),
      m.now);
  restore_member(m, 2, 1);
  restore_member(m, 3, 2);
  end_restoring(m);
  m.pass(duration{0});
  CHECK(m.engine.job_count() == 0);
  CHECK(m.engine.groups_completed() == 1);
}

TEST_CASE("a producer continues its open group after a restart, and no time limit closes the group then") {
  engine_fixture m;
  m.engine.restore_group(kept({.state = group_state::open}), m.now);
  restore_member(m, 2, 1);
  restore_member(m, 3, 2);
  end_restoring(m);
  const auto s = m.session();
  CHECK(m.engine.continue_group(s, "batch", m.now) == group_id{7});
  CHECK_FALSE(m.engine.continue_group(s, "batch", m.now).has_value());
  m.pass(2h);
  CHECK(m.engine.put(s, m.queue(), {.content = body{"more"}, .group = group_id{7}}, m.now).status ==
        put_status::inserted);
  CHECK(m.engine.look_at_group(group_id{7})->members == 4);
}

TEST_CASE("a restored open group that no producer continues is closed after an hour") {
  engine_fixture m;
  m.engine.restore_group(kept({.state = group_state::open}), m.now);
  restore_member(m, 2, 1);
  restore_member(m, 3, 2);
  end_restoring(m);
  m.pass(1h);
  CHECK(m.engine.look_at_group(group_id{7})->state == group_state::closed);
}

TEST_CASE("a released group is continued by the next run of its producer") {
  engine_fixture m;
  const auto first = m.session();
  const auto group = m.engine.open_group({.name = "batch"}, m.now, first).value();
  CHECK(m.engine.release_group(group, m.now));
  m.engine.close_session(first, m.now);
  CHECK(m.engine.look_at_group(group)->state == group_state::open);
  CHECK(m.engine.continue_group(m.session(), "batch", m.now) == group);
}

TEST_CASE("a restored job whose group was not kept is in no group, and no new group gets the id of that group") {
  engine_fixture m;
  restore_member(m, 2, 1, group_id{20});
  end_restoring(m);
  CHECK(m.engine.look(job_id{2})->details.group == group_id{});
  CHECK(m.engine.open_group({.name = "new"}, m.now).value() == group_id{21});
}

TEST_CASE("a restored outer group ends only after the outcome of its inner group") {
  engine_fixture m;
  auto outer = kept({.state = group_state::closed});
  outer.facts.members = 2;
  m.engine.restore_group(std::move(outer), m.now);
  m.engine.restore_group(
      {group_id{8}, {.name = "inner", .outcome_queue = "q", .outer = group_id{7}, .outer_place = 1}, {}}, m.now);
  end_restoring(m);
  CHECK(m.engine.look_at_group(group_id{7})->ended == 1);
  m.engine.close_group(group_id{8}, m.now);
  const auto s = m.session();
  m.finish(s, m.take_id(s));
  CHECK(m.engine.look_at_group(group_id{7})->state == group_state::ended);
}

TEST_CASE("a put of a group is all or nothing, and its members are recorded with their places") {
  engine_fixture m;
  m.engine.collect_changes(true);
  const auto queue = m.declare("q", 2);
  const auto jobs = [&](std::size_t count) {
    std::vector<output> all;
    all.reserve(count);
    for (std::size_t n = 0; n < count; ++n) all.push_back({queue, {.content = body{"job"}}});
    return all;
  };
  CHECK(m.engine.put_group({.name = "three"}, jobs(3), m.now).error().text == "queue q: the jobs can never fit");
  CHECK(m.engine.job_count() == 0);
  const auto group = m.engine.put_group({.name = "two", .durability = durability::relaxed}, jobs(2), m.now).value();
  CHECK(m.engine.look_at_group(group)->state == group_state::closed);
  CHECK(m.engine.put_group({.name = "full"}, jobs(1), m.now).error().text == "queue q: it is full");
  change_set changes;
  m.engine.take_changes(changes);
  REQUIRE(changes.size() == 3);
  CHECK(std::get<job_put>(changes[0]).details->group_place == 0);
  CHECK(std::get<job_put>(changes[1]).details->group_place == 1);
  CHECK(std::get<group_changed>(changes[2]).facts.members == 2);
}
