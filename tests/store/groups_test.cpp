// Groups of jobs and long actions on disk.
#include <algorithm>
#include <string>
#include <vector>

#include "store/batch.hpp"
#include "store/data_files.hpp"
#include "store/fsck.hpp"
#include "support/catch.hpp"

using namespace millrace;
using engine::group_id;
using testing::scratch_directory;
using testing::store_desk;

namespace {

engine::group_changed changed(std::uint64_t id, std::uint32_t members, std::uint32_t ended) {
  return {group_id{id}, {.name = "batch", .outcome_queue = "summaries", .members = members, .ended = ended}};
}

engine::group_member_ended ended(std::uint64_t id, std::uint32_t place, const std::string& text) {
  return {group_id{id}, place, {.job = job_id{100 + place}, .text = text}};
}

}  // namespace

TEST_CASE("groups come back before the jobs, with their members in order of place") {
  scratch_directory scratch;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    desk.append(testing::put_of(1, "x"));
    desk.append(changed(2, 3, 0));
    desk.append(changed(1, 0, 0));
    desk.append(ended(2, 2, "third"));
    desk.until_durable(desk.append(changed(2, 3, 1)));
    desk.append(ended(2, 0, "first"));
    desk.append(changed(2, 3, 2));
    desk.append(engine::action_kept{7, R"({"kind": "redrive"})"});
  }
  store_desk desk{{.data_dir = scratch.data_dir()}};
  std::vector<std::string> order;
  const auto mark = testing::recover(
      *desk.store,
      {.queue_of = [](std::string_view) { return queue_id{1}; },
       .on_job = [&](engine::kept_job&&) { order.emplace_back("job"); },
       .on_pause = [](const store::recovered_pause&) {},
       .on_group =
           [&](engine::kept_group&& group) {
             std::string text = std::to_string(group.group.value());
             for (const auto& [place, member] : group.ended) {
               text += ' ' + std::to_string(place) + member.text;
             }
             order.push_back(text);
           },
       .on_last_group = [&](group_id last) { order.push_back("up to " + std::to_string(last.value())); },
       .on_action = [&](std::uint64_t number,
                        std::string&& description) { order.push_back(std::to_string(number) + description); }});
  REQUIRE(mark.has_value());
  CHECK(order == std::vector<std::string>{"1", "2 0first 2third", "up to 2", "job", R"(7{"kind": "redrive"})"});
}

TEST_CASE("a group that is forgotten takes its members along, and its id is not given out again") {
  scratch_directory scratch;
  const bool same_batch = GENERATE(true, false);
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    desk.append(changed(5, 2, 1));
    const auto batch = desk.append(ended(5, 0, "x"));
    if (!same_batch) desk.until_durable(batch);
    desk.append(engine::group_gone{group_id{5}});
    desk.append(engine::action_kept{1, "{}"});
    desk.append(engine::action_gone{1});
  }
  store_desk desk{{.data_dir = scratch.data_dir()}};
  const auto found = desk.recover();
  CHECK(found.groups.empty());
  CHECK(found.last_group == group_id{5});
  CHECK(found.actions.empty());
}

TEST_CASE("of several states of a group in one batch the last one is written") {
  store::batch changes;
  changes.groups.change(changed(1, 1, 0));
  changes.groups.change(changed(2, 1, 0));
  changes.groups.change(changed(1, 9, 0));
  changes.groups.end_member(ended(2, 0, std::string(5'000, 'x')));
  const auto bytes = changes.bytes();
  CHECK(bytes > 5'000);
  changes.groups.remove(group_id{2});
  CHECK(changes.bytes() < bytes - 5'000);
  REQUIRE(changes.groups.groups().size() == 2);
  CHECK(changes.groups.groups()[0].facts->members == 9);
  CHECK(changes.groups.groups()[1].gone);
  CHECK(changes.groups.groups()[1].ended.empty());
  CHECK(changes.groups.id_mark() == 2);
  CHECK_FALSE(changes.empty());
  changes.clear();
  CHECK(changes.empty());
  CHECK(changes.bytes() == 0);
}

TEST_CASE("counts of a group that contradict its members are faults, and no store begins with them") {
  const auto [sql, fault] = GENERATE(table<const char*, const char*>({
      {"UPDATE job_group SET ended = 2", "row 1 of table job_group: it says that 2 members have ended, there are 1"},
      {"UPDATE job_group SET members = 0", "row 1 of table job_group: more members have ended than it has"},
      {"UPDATE job_group SET succeeded = 3", "row 1 of table job_group: more members ended well than have ended"},
      {"UPDATE group_member SET place = 7", "row 1 of table job_group: it has no place 7"},
      {"UPDATE group_member SET group_id = 3", "row 3/0 of table group_member: its group is not there"},
      {"UPDATE group_member SET outcome = 'well'", "row 1/0 of table group_member: its outcome is unknown"},
      {"UPDATE job_group SET state = 4", "row 1 of table job_group: its state is out of range: 4"},
  }));
  scratch_directory scratch;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    desk.append(changed(1, 3, 1));
    desk.append(ended(1, 0, "x"));
  }
  testing::run_sql(scratch.data_file(), sql);
  std::vector<std::string> faults;
  {
    const auto locked = store::data_directory::open(scratch.data_dir());
    REQUIRE(store::fsck(locked.value(), [&](std::string_view line) { faults.emplace_back(line); }).has_value());
  }
  CHECK(std::find(faults.begin(), faults.end(), fault) != faults.end());
  store_desk desk{{.data_dir = scratch.data_dir()}};
  const auto refused = testing::recover(
      *desk.store, {[](std::string_view) { return queue_id{1}; }, [](engine::kept_job&&) {}, [](const auto&) {}});
  REQUIRE_FALSE(refused.has_value());
  const auto& why = refused.error().text;
  CHECK(std::any_of(faults.begin(), faults.end(),
                    [&](const std::string& one) { return why.find(one) != std::string::npos; }));
}
