#include "engine/group_outcome.hpp"
#include "engine/groups_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

TEST_CASE("the outcome waits while its queue is full and blocks") {
  groups_fixture fixture;
  fixture.declare("out", 1);
  const auto group = fixture.open();
  const auto other = fixture.session({"out"});
  fixture.put(other, "fills it");
  fixture.close(group);
  CHECK_FALSE(fixture.facts(group).outcome_put);
  CHECK(fixture.facts(group).state == group_state::ended);
  CHECK(fixture.engine.levels(fixture.queue("out")).waiting_puts == 1);
  fixture.finish(other, fixture.take_id(other));
  CHECK(fixture.facts(group).outcome_put);
  CHECK(fixture.outcome_of_group() != "-");
}

TEST_CASE("the outcome is put into a queue that rejects puts as soon as there is capacity") {
  groups_fixture fixture;
  fixture.declare("out", 1, overflow::reject);
  const auto group = fixture.open();
  const auto other = fixture.session({"out"});
  fixture.put(other, "fills it");
  fixture.close(group);
  CHECK_FALSE(fixture.facts(group).outcome_put);
  fixture.finish(other, fixture.take_id(other));
  CHECK(fixture.facts(group).outcome_put);
}

TEST_CASE("an outcome queue that nobody uses is made for the outcome") {
  engine_fixture fixture;
  const auto group = fixture.engine.open_group({.name = "b", .outcome_queue = "new"}, fixture.now).value();
  CHECK_FALSE(fixture.engine.find("new").has_value());
  fixture.engine.close_group(group, fixture.now);
  CHECK(fixture.engine.first_ready(fixture.queue("new")).has_value());
}

TEST_CASE("an outcome that can never fit into its queue is counted there and not put") {
  groups_fixture fixture;
  fixture.declare("out", 10, overflow::block, 20);
  const auto group = fixture.open();
  fixture.close(group);
  CHECK_FALSE(fixture.facts(group).outcome_put);
  CHECK(fixture.engine.counts(fixture.queue("out")).rejected[static_cast<std::size_t>(reason::too_large)].value() == 1);
  CHECK(fixture.engine.groups_completed() == 1);
}

TEST_CASE("texts are cut at whole characters, at the limit of a member and at that of all groups, and it says so") {
  groups_fixture fixture{{.group_texts_bytes_max = group_text_bytes_max + 3}};
  fixture.declare("out", 10, overflow::block, 1u << 20);
  const auto group = fixture.open();
  for (int n = 0; n < 3; ++n) fixture.put_member(group);
  fixture.close(group);
  fixture.end(fixture.take_next(), std::string(group_text_bytes_max, 'a') + "b");
  fixture.end(fixture.take_next(), "\xC3\xA4\xC3\xA4");
  fixture.end(fixture.take_next(), "\xE2\x82\xAC");
  CHECK(members_of(fixture.outcome_of_group()) ==
        R"([{"id":1,"outcome":"ok","text":")" + std::string(group_text_bytes_max, 'a') + R"(","cut":true},)" +
            "{\"id\":2,\"outcome\":\"ok\",\"text\":\"\xC3\xA4\",\"cut\":true}," +
            R"({"id":3,"outcome":"ok","cut":true}]})");
}

TEST_CASE("an outcome fits into its queue: first texts are left out, then members, and it says how many") {
  groups_fixture fixture;
  fixture.declare("out", 10, overflow::block, 200);
  const auto group = fixture.open();
  for (int n = 0; n < 4; ++n) fixture.put_member(group);
  fixture.close(group);
  for (int n = 0; n < 4; ++n) fixture.end(fixture.take_next(), std::string(100, 'x'));
  const auto outcome = fixture.outcome_of_group();
  CHECK(outcome.size() <= 200);
  CHECK(members_of(outcome) ==
        R"([{"id":1,"outcome":"ok","cut":true},{"id":2,"outcome":"ok","cut":true}],"members_left_out":2})");
}

namespace {

/// A group with so many members that its outcome takes several steps. All members but the last have ended.
struct large_group_fixture : groups_fixture {
  static constexpr std::size_t members = 2 * outcome_step_members + 10;
  group_id group;
  job_id last_job;

  explicit large_group_fixture(group_request request = {.outcome_queue = "out"}, std::size_t text_bytes = 3) {
    engine.declare("out", {.max_bytes = 1u << 30}).value();
    engine.declare("q", {.max_bytes = 1u << 30}).value();
    group = open(std::move(request));
    for (std::size_t n = 0; n < members; ++n) put_member(group);
    for (std::size_t n = 0; n + 1 < members; ++n) end(take_next(), std::string(text_bytes, 'x'));
    last_job = take_next();
  }
  /// Runs turns until the outcome is there.
  std::size_t turns_until_outcome() {
    std::size_t turns = 0;
    while (engine.groups_in_progress() != 0) {
      CHECK(outcome_of_group() == "-");
      REQUIRE(engine.next_deadline() > now);
      pass(1ns);
      ++turns;
    }
    return turns;
  }
};

}  // namespace

TEST_CASE("a large outcome is made in steps, one a turn, and then put whole") {
  large_group_fixture fixture;
  fixture.close(fixture.group);
  fixture.end(fixture.last_job, "last");
  CHECK(fixture.facts(fixture.group).state == group_state::ended);
  CHECK(fixture.engine.groups_in_progress() == 1);
  fixture.reserve(fixture.client);  // another command of the same turn does no step
  CHECK(fixture.turns_until_outcome() >= 3);
  CHECK(fixture.facts(fixture.group).outcome_put);
  CHECK(fixture.engine.groups_completed() == 1);
  const auto outcome = fixture.outcome_of_group();
  CHECK(outcome.starts_with(R"({"group":"batch","id":1,"ended":"all","jobs":)" + std::to_string(fixture.members)));
  std::string expected = "[";
  for (std::size_t n = 1; n < fixture.members; ++n)
    expected += R"({"id":)" + std::to_string(n) + R"(,"outcome":"ok","text":"xxx"},)";
  expected += R"({"id":)" + std::to_string(fixture.members) + R"(,"outcome":"ok","text":"last"}]})";
  CHECK((members_of(outcome) == expected));
}

TEST_CASE("an outcome of few members with long texts is made in steps, too, and is cut at the limit of its queue") {
  groups_fixture fixture;
  fixture.engine.declare("out", {.max_bytes = 700'000}).value();
  const auto group = fixture.open();
  for (int n = 0; n < 20; ++n) fixture.put_member(group);
  fixture.close(group);
  for (int n = 0; n < 20; ++n) fixture.end(fixture.take_next(), std::string(group_text_bytes_max, 'x'));
  CHECK(fixture.engine.groups_in_progress() == 1);
  while (fixture.engine.groups_in_progress() != 0) fixture.pass(1ns);
  const auto outcome = fixture.outcome_of_group();
  CHECK(outcome.size() <= 700'000);
  CHECK(outcome.size() > 600'000);
  CHECK(outcome.ends_with(R"({"id":19,"outcome":"ok","cut":true},{"id":20,"outcome":"ok","cut":true}]})"));
}

TEST_CASE("a member that ends or joins while the outcome is made is not part of it, and ends all the same") {
  large_group_fixture fixture{{.outcome_queue = "out", .ends_with = group_end::first_failure}};
  const auto pending = fixture.put_member(fixture.group);
  fixture.fail(fixture.last_job, "why");
  REQUIRE(fixture.engine.groups_in_progress() == 1);
  fixture.end(fixture.take_next(), "late");
  const auto joined = fixture.put_member(fixture.group);
  CHECK(fixture.turns_until_outcome() >= 3);
  CHECK(fixture.outcome_of_group().ends_with(R"({"id":)" + std::to_string(fixture.last_job.value()) +
                                             R"(,"outcome":"failed","error":"why"},{"id":)" +
                                             std::to_string(pending.value()) + R"(,"outcome":"pending"}]})"));
  CHECK(fixture.facts(fixture.group).ended == fixture.members + 1);
  CHECK(fixture.facts(fixture.group).outcome_put);
  fixture.close(fixture.group);
  CHECK(fixture.engine.groups_completed() == 0);
  CHECK(fixture.engine.cancel(joined, fixture.now));
  CHECK(fixture.engine.groups_completed() == 1);
}

TEST_CASE("a large outcome waits when its queue has become full while it was made") {
  large_group_fixture fixture;
  fixture.close(fixture.group);
  fixture.end(fixture.last_job);
  fixture.declare("out", 1, overflow::block, 1u << 30);
  const auto other = fixture.session({"out"});
  fixture.put(other, "fills it");
  while (fixture.engine.groups_in_progress() != 0) fixture.pass(1ns);
  CHECK_FALSE(fixture.facts(fixture.group).outcome_put);
  CHECK(fixture.engine.levels(fixture.queue("out")).waiting_puts == 1);
  fixture.finish(other, fixture.take_id(other));
  CHECK(fixture.facts(fixture.group).outcome_put);
}
