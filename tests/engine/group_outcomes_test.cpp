#include "engine/groups_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

TEST_CASE("the outcome waits in line while its queue is full and blocks") {
  groups_fixture m;
  m.declare("out", 1);
  const auto group = m.open();
  const auto other = m.session({"out"});
  m.put(other, "fills it");
  m.close(group);
  CHECK_FALSE(m.facts(group).outcome_put);
  CHECK(m.facts(group).state == group_state::ended);
  CHECK(m.engine.levels(m.queue("out")).waiting_puts == 1);
  m.finish(other, m.take_id(other));
  CHECK(m.facts(group).outcome_put);
  CHECK(m.outcome_of_group() != "-");
}

TEST_CASE("the outcome is put into a queue that rejects puts as soon as there is capacity") {
  groups_fixture m;
  m.declare("out", 1, overflow::reject);
  const auto group = m.open();
  const auto other = m.session({"out"});
  m.put(other, "fills it");
  m.close(group);
  CHECK_FALSE(m.facts(group).outcome_put);
  m.finish(other, m.take_id(other));
  CHECK(m.facts(group).outcome_put);
}

TEST_CASE("an outcome queue that nobody uses is made for the outcome") {
  engine_fixture m;
  const auto group = m.engine.open_group({.name = "b", .outcome_queue = "new"}, m.now).value();
  CHECK_FALSE(m.engine.find("new").has_value());
  m.engine.close_group(group, m.now);
  CHECK(m.engine.first_ready(m.queue("new")).has_value());
}

TEST_CASE("an outcome that can never fit into its queue is counted there and not put") {
  groups_fixture m;
  m.declare("out", 10, overflow::block, 20);
  const auto group = m.open();
  m.close(group);
  CHECK_FALSE(m.facts(group).outcome_put);
  CHECK(m.engine.counts(m.queue("out")).rejected[static_cast<std::size_t>(reason::too_large)].value() == 1);
  CHECK(m.engine.groups_completed() == 1);
}

TEST_CASE("texts are cut at whole characters, at the limit of a member and at that of all groups, and it says so") {
  groups_fixture m{{.group_texts_bytes_max = group_text_bytes_max + 3}};
  m.declare("out", 10, overflow::block, 1u << 20);
  const auto group = m.open();
  for (int n = 0; n < 3; ++n) m.put_member(group);
  m.close(group);
  m.end(m.take_next(), std::string(group_text_bytes_max, 'a') + "b");
  m.end(m.take_next(), "\xC3\xA4\xC3\xA4");
  m.end(m.take_next(), "\xE2\x82\xAC");
  CHECK(members_of(m.outcome_of_group()) == R"([{"id":1,"outcome":"ok","text":")" +
                                                std::string(group_text_bytes_max, 'a') + R"(","cut":true},)" +
                                                "{\"id\":2,\"outcome\":\"ok\",\"text\":\"\xC3\xA4\",\"cut\":true}," +
                                                R"({"id":3,"outcome":"ok","cut":true}]})");
}

TEST_CASE("an outcome fits into its queue: first texts are left out, then members, and it says how many") {
  groups_fixture m;
  m.declare("out", 10, overflow::block, 200);
  const auto group = m.open();
  for (int n = 0; n < 4; ++n) m.put_member(group);
  m.close(group);
  for (int n = 0; n < 4; ++n) m.end(m.take_next(), std::string(100, 'x'));
  const auto outcome = m.outcome_of_group();
  CHECK(outcome.size() <= 200);
  CHECK(members_of(outcome) ==
        R"([{"id":1,"outcome":"ok","cut":true},{"id":2,"outcome":"ok","cut":true}],"members_left_out":2})");
}
