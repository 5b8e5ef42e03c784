// A start refuses exactly the files in which fsck reports faults.
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "store/data_files.hpp"
#include "store/fsck.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::scratch_directory;
using testing::store_desk;

namespace {

constexpr std::uint64_t jobs = 12;

void fill(const scratch_directory& scratch) {
  store_desk desk{{.data_dir = scratch.data_dir()}};
  for (std::uint64_t id = 1; id <= jobs; ++id) {
    desk.append(testing::put_of(id, std::string(id % 4 == 0 ? 9'000 : 40 * id, 'x'), queue_id{id % 2 == 0 ? 1u : 2u}));
  }
  desk.append(
      engine::job_moved{job_id{3}, queue_id{2}, engine::job_state::buried, 5, {}, {}, {.buries = 1}, "no good"});
  const auto due = after(desk.loop.now(), seconds{9});
  desk.append(
      engine::job_moved{job_id{5}, queue_id{2}, engine::job_state::delayed, 5, seconds{9}, due, {.releases = 1}, ""});
  engine::job_moved failed{job_id{7}, queue_id{2}, engine::job_state::ready, 5, {}, {}, {.failures = 2}, "no good"};
  failed.details = std::make_shared<const engine::job_details>(
      engine::job_details{.cause = engine::reason::failed, .origin = "q1", .group = engine::group_id{1}});
  desk.append(std::move(failed));
  for (const std::uint64_t id : {1, 2}) {
    const engine::group_id group{id};
    desk.append(engine::group_changed{group, {.name = "batch", .members = 5, .ended = 3, .succeeded = 1}});
    for (const std::uint32_t place : {0u, 1u, 2u}) {
      const auto result = place == 0 ? engine::outcome::ok : engine::outcome::failed;
      desk.append(engine::group_member_ended{group, place, {.job = job_id{20 + place}, .result = result}});
    }
  }
  desk.append(engine::action_kept{4, "{}"});
  desk.until_durable(desk.append(engine::queue_paused{queue_id{1}, never, seconds{60}}));
}

std::set<std::string> faults_of(const std::string& data_dir) {
  std::set<std::string> faults;
  const auto locked = store::data_directory::open(data_dir);
  const auto found = store::fsck(locked.value(), [&](std::string_view line) { faults.emplace(line); });
  if (!found) faults.insert(found.error().text);
  return faults;
}

struct start {
  std::string refusal;  ///< empty: it started
  std::size_t jobs{0};
};

start started(const std::string& data_dir) {
  loop::event_loop loop;
  auto made = store::sqlite_store::open(loop, {.data_dir = data_dir}, [](queue_id) { return std::string_view{"q1"}; });
  if (!made) return {made.error().text};
  start found;
  const auto mark =
      testing::recover(**made, {[](std::string_view) { return queue_id{1}; }, [&](engine::kept_job&&) { ++found.jobs; },
                                [](const store::recovered_pause&) {}});
  if (!mark) found.refusal = mark.error().text;
  return found;
}

/// Any value that a cell can be given, wrong ones and right ones.
std::string any_value(std::mt19937_64& random) {
  static constexpr const char* values[]{"-1",
                                        "0",
                                        "1",
                                        "2",
                                        "3",
                                        "7.5",
                                        "4294967295",
                                        "4294967296",
                                        "9223372036854775807",
                                        "-9223372036854775808",
                                        "''",
                                        "'text'",
                                        "x''",
                                        "x'00ff'",
                                        "'12'",
                                        "1e300",
                                        "zeroblob(50)"};
  return values[random() % std::size(values)];
}

std::string any_cell_change(std::mt19937_64& random) {
  static constexpr const char* job_columns[]{"id",    "queue", "state",   "urgency",  "ttr", "put_at",
                                             "delay", "due",   "burying", "checksum", "body"};
  static constexpr const char* history_columns[]{
      "id",       "reserves",      "timeouts", "releases",      "buries",       "kicks",
      "failures", "interruptions", "laters",   "first_failure", "last_failure", "expires_at",
      "group_id", "group_place",   "reason",   "origin",        "handed_out",   "error"};
  static constexpr const char* queue_columns[]{"number", "name", "paused_until", "paused_for"};
  static constexpr const char* mark_columns[]{"name", "value"};
  static constexpr const char* group_columns[]{"id",        "state", "ends_with",    "remaining",   "opened_at",
                                               "members",   "ended", "outcome_put",  "outer_group", "outer_place",
                                               "succeeded", "name",  "outcome_queue"};
  static constexpr const char* member_columns[]{"group_id", "place", "job", "is_cut", "outcome", "text"};
  const auto update = [&](const std::string& table, auto& columns, const std::string& condition) {
    return "UPDATE OR IGNORE " + table + " SET " + columns[random() % std::size(columns)] + " = " + any_value(random) +
           condition;
  };
  switch (random() % 10) {
    case 0:
      return update("queue", queue_columns, " WHERE number = " + std::to_string(1 + random() % 2));
    case 1:
      return "INSERT OR IGNORE INTO mark VALUES('id', 5); " + update("mark", mark_columns, "");
    case 2:
      return update("job_group", group_columns, " WHERE id = " + std::to_string(1 + random() % 2));
    case 3:
      return update("group_member", member_columns, " WHERE place = " + std::to_string(random() % 3));
    case 4:
      return "UPDATE OR IGNORE action SET description = " + any_value(random);
    case 5:
    case 6:
      return update("job_history", history_columns, " WHERE id = " + std::to_string(3 + 2 * (random() % 3)));
    default:
      return update("job", job_columns, " WHERE id = " + std::to_string(1 + random() % jobs));
  }
}

std::uint64_t seed_of_run() { return std::random_device{}(); }

}  // namespace

TEST_CASE("after a change of cells a start is refused exactly when fsck reports a fault, and for one of its faults") {
  const auto seed = seed_of_run();
  std::mt19937_64 random{seed};
  scratch_directory scratch;
  fill(scratch);
  const auto intact = scratch.path() + "/intact.db";
  std::filesystem::copy_file(scratch.data_file(), intact);
  int refused = 0;
  for (int round = 0; round < 120; ++round) {
    std::filesystem::copy_file(intact, scratch.data_file(), std::filesystem::copy_options::overwrite_existing);
    const auto change = any_cell_change(random);
    INFO("seed " << seed << ", round " << round << ": " << change);
    // Some values are refused by the file itself, which leaves it as it was.
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(scratch.data_file().c_str(), &db) == SQLITE_OK);
    sqlite3_exec(db, change.c_str(), nullptr, nullptr, nullptr);
    sqlite3_close(db);
    const auto faults = faults_of(scratch.data_dir());
    const auto found = started(scratch.data_dir());
    CHECK(faults.empty() == found.refusal.empty());
    if (found.refusal.empty()) CHECK(found.jobs == jobs);
    refused += found.refusal.empty() ? 0 : 1;
    bool is_reported = faults.empty();
    for (const auto& fault : faults) is_reported = is_reported || found.refusal.find(fault) != std::string::npos;
    INFO(found.refusal);
    CHECK(is_reported);
  }
  CHECK(refused > 0);
}

TEST_CASE("a history under the highest number of all refuses a start") {
  scratch_directory scratch;
  fill(scratch);
  testing::run_sql(scratch.data_file(), "UPDATE job_history SET id = 9223372036854775807 WHERE id = 5");
  CHECK_FALSE(faults_of(scratch.data_dir()).empty());
  CHECK(started(scratch.data_dir()).refusal.find("its job is not there") != std::string::npos);
}

TEST_CASE("where bytes of a file have changed, fsck reports whatever a start refuses, and no body comes back changed") {
  const auto seed = seed_of_run();
  std::mt19937_64 random{seed};
  scratch_directory scratch;
  fill(scratch);
  const auto intact = scratch.path() + "/intact.db";
  std::filesystem::copy_file(scratch.data_file(), intact);
  const auto size = std::filesystem::file_size(intact);
  for (int round = 0; round < 60; ++round) {
    std::filesystem::copy_file(intact, scratch.data_file(), std::filesystem::copy_options::overwrite_existing);
    INFO("seed " << seed << ", round " << round);
    {
      std::fstream file{scratch.data_file(), std::ios::in | std::ios::out | std::ios::binary};
      for (auto bytes = 1 + random() % 3; bytes > 0; --bytes) {
        file.seekp(static_cast<std::streamoff>(random() % size));
        file.put(static_cast<char>(random()));
      }
    }
    const auto faults = faults_of(scratch.data_dir());
    const auto found = started(scratch.data_dir());
    INFO(found.refusal);
    if (!found.refusal.empty()) CHECK_FALSE(faults.empty());
    if (faults.empty()) CHECK(found.jobs == jobs);
  }
}
