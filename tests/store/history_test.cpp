// Counts, errors and details of jobs are in a table of their own, since only some jobs have them.
#include <memory>
#include <optional>
#include <string>

#include "store/batch_rows.hpp"
#include "store/data_files.hpp"
#include "store/fsck.hpp"
#include "store/id_set.hpp"
#include "store/schema.hpp"
#include "store/sqlite.hpp"
#include "support/catch.hpp"

using namespace millrace;
using engine::job_state;
using testing::gone_of;
using testing::put_of;
using testing::scratch_directory;
using testing::store_desk;

namespace {

engine::job_moved moved(std::uint64_t id, job_state to, engine::job_tally tally, queue_id queue = queue_id{1}) {
  return {job_id{id}, queue, to, engine::default_priority, {}, {}, tally, {}};
}

std::shared_ptr<const engine::job_details> details_of(engine::job_details details) {
  return std::make_shared<const engine::job_details>(std::move(details));
}

/// A dead letter of queue 1 that comes to queue 2.
engine::job_moved dead_letter(std::uint64_t id) {
  auto made = moved(id, job_state::ready, {.reserves = 3, .failures = 3}, queue_id{2});
  made.from = queue_id{1};
  made.error_text = "no good";
  made.details = details_of({.cause = engine::reason::failed,
                             .origin = "q1",
                             .first_failure = instant{seconds{5}},
                             .last_failure = instant{seconds{7}}});
  return made;
}

std::string faults_of(const std::string& data_dir) {
  std::string faults;
  const auto locked = store::data_directory::open(data_dir);
  const auto found = store::fsck(locked.value(), [&](std::string_view line) { faults.append(line) += '\n'; });
  REQUIRE(found.has_value());
  return faults;
}

/// Tables without a file, and the statements that write them.
struct tables {
  tables() : data{store::sqlite::connection::open(":memory:", store::sqlite::open_as::read_write, nullptr).value()} {
    REQUIRE(data.run(store::tables_of(store::schema_version).c_str()));
    rows.emplace(store::batch_rows::prepare(data).value());
  }
  std::int64_t number(const char* sql) { return data.number(sql).value(); }
  void write(store::batch& changes) {
    changes.sort();
    REQUIRE(rows->write(changes, duration::zero()));
    changes.clear();
  }

  store::sqlite::connection data;
  std::optional<store::batch_rows> rows;
};

}  // namespace

TEST_CASE("details of a job are there again after a restart, and so are all its counts") {
  scratch_directory scratch;
  engine::job_details details{.cause = engine::reason::undeliverable,
                              .origin = "q\xff",
                              .first_failure = instant{seconds{5}},
                              .last_failure = instant{seconds{6}},
                              .expires_at = instant{seconds{7}},
                              .group = engine::group_id{8},
                              .group_place = 9};
  const auto offset = [] { return duration{hours{400'000}}; };
  {
    store_desk desk{{.data_dir = scratch.data_dir()}, {.wall_offset = offset}};
    desk.append(put_of(1, "plain"));
    auto put = put_of(2, "with details");
    put.details = details_of(details);
    put.tally = {1, 2, 3, 4, 5, 6, 7, 8};
    put.error_text = "why";
    desk.append(std::move(put));
    desk.append(put_of(3, "handed out"));
    auto handed_out = moved(3, job_state::reserved, {.reserves = 1});
    handed_out.handed_out = true;
    desk.append(std::move(handed_out));
  }
  store_desk again{{.data_dir = scratch.data_dir()}, {.wall_offset = offset}};
  const auto found = again.recover();
  REQUIRE(found.jobs.size() == 3);
  CHECK(found.jobs[0].details == nullptr);
  CHECK(found.jobs[0].tally == engine::job_tally{});
  CHECK_FALSE(found.jobs[0].handed_out);
  REQUIRE(found.jobs[1].details != nullptr);
  CHECK(*found.jobs[1].details == details);
  CHECK(found.jobs[1].tally == engine::job_tally{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(found.jobs[1].error_text == "why");
  CHECK(found.jobs[2].handed_out);
  CHECK(found.jobs[2].state == job_state::ready);
  CHECK(found.jobs[2].tally.reserves == 1);
}

TEST_CASE("a hand-out writes the history of a job and not the row that has its body") {
  tables file;
  store::batch changes;
  changes.put(put_of(1, std::string(9'000, 'x')), 1, 0);
  file.write(changes);
  auto handed_out = moved(1, job_state::reserved, {.reserves = 1});
  handed_out.handed_out = true;
  changes.move(std::move(handed_out), 1, 0, false);
  const auto before = file.number("SELECT total_changes()");
  file.write(changes);
  CHECK(file.number("SELECT total_changes()") == before + 1);
  CHECK(file.number("SELECT handed_out FROM job_history WHERE id = 1") == 1);
  // Released with another priority, it is written in both.
  auto released = moved(1, job_state::ready, {.reserves = 1, .releases = 1});
  released.priority = 3;
  changes.move(std::move(released), 1, 0, true);
  file.write(changes);
  CHECK(file.number("SELECT total_changes()") == before + 3);
  CHECK(file.number("SELECT handed_out FROM job_history WHERE id = 1") == 0);
  CHECK(file.number("SELECT urgency FROM job WHERE id = 1") == 3);
}

TEST_CASE("a batch that is rolled back and written again gives the same rows, and so does one that moves jobs twice") {
  tables file;
  store::batch changes;
  for (const std::uint64_t id : {1, 2, 3, 4}) changes.put(put_of(id, "x"), 1, 0);
  file.write(changes);
  changes.move(dead_letter(1), 2, 0, false);
  changes.move(moved(2, job_state::ready, {.kicks = 1}), 1, 0, false);
  changes.move(moved(2, job_state::ready, {}), 1, 0, true);
  changes.remove(job_id{3}, true);
  changes.put(put_of(5, "y"), 1, 0);
  changes.groups.change({engine::group_id{4}, {.members = 2, .ended = 1}});
  changes.groups.end_member({engine::group_id{4}, 0, {.job = job_id{3}, .text = "done"}});
  changes.groups.set_action(7, "{}");
  changes.sort();
  constexpr const char* all =
      "SELECT (SELECT group_concat(id || ' ' || queue) FROM job) || (SELECT group_concat(id || error) FROM "
      "job_history) "
      "|| (SELECT group_concat(id || ' ' || ended) FROM job_group) || (SELECT group_concat(text) FROM group_member) "
      "|| (SELECT group_concat(number) FROM action) || (SELECT group_concat(name || value) FROM mark)";
  const auto rows_after = [&](const char* end) {
    REQUIRE(file.data.run("BEGIN"));
    REQUIRE(file.rows->write(changes, duration::zero()));
    auto query = file.data.prepare(all).value();
    REQUIRE(query.step().value());
    const std::string text{query.text(0)};
    query.reset();
    REQUIRE(file.data.run(end));
    return text;
  };
  const auto first = rows_after("ROLLBACK");
  CHECK(first == "1 2,2 1,4 1,5 11no good4 1done7group4");
  CHECK(rows_after("COMMIT") == first);
}

TEST_CASE("the history of a job goes with it, whenever it came") {
  scratch_directory scratch;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    for (std::uint64_t id = 1; id <= 6; ++id) desk.append(put_of(id, "x"));
    desk.append(moved(6, job_state::ready, {.kicks = 1}));
    desk.append(gone_of(6));  // its history came in the same batch
    desk.append(moved(1, job_state::ready, {.releases = 1}));
    desk.append(moved(2, job_state::buried, {.buries = 1}));
    desk.append(dead_letter(3));
    desk.until_durable(desk.append(moved(4, job_state::ready, {.releases = 1})));
    desk.append(gone_of(1));  // in an earlier batch
    desk.append(moved(4, job_state::ready, {}));
    desk.until_durable(desk.append(gone_of(4)));  // in an earlier batch, and it was dropped in this one
  }
  CHECK(faults_of(scratch.data_dir()).empty());
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    CHECK(desk.recover().jobs.size() == 3);
    // Before the start.
    desk.append(gone_of(2));
    desk.append(gone_of(3, queue_id{2}));
    desk.append(gone_of(5));
  }
  CHECK(faults_of(scratch.data_dir()).empty());
  store_desk desk{{.data_dir = scratch.data_dir()}};
  CHECK(desk.recover().jobs.empty());
}

TEST_CASE("a job that moved to another queue comes back in it, and its old queue is forgotten when it is empty") {
  scratch_directory scratch;
  for (const bool same_batch : {true, false}) {
    {
      store_desk desk{{.data_dir = scratch.data_dir()}};
      desk.recover();
      const auto put = desk.append(put_of(1, "x"));
      if (!same_batch) desk.until_durable(put);
      desk.append(dead_letter(1));
    }
    {
      store_desk desk{{.data_dir = scratch.data_dir()}};
      const auto found = desk.recover();
      REQUIRE(found.jobs.size() == 1);
      CHECK(found.jobs[0].queue == queue_id{2});
      CHECK(found.jobs[0].details->origin == "q1");
      desk.until_durable(desk.append(gone_of(1, queue_id{2})));
    }
    CHECK(faults_of(scratch.data_dir()).empty());
  }
}

TEST_CASE("a history without a job is a fault, and no store begins with it") {
  scratch_directory scratch;
  testing::fill(scratch.data_dir(), 3);
  const int id = GENERATE(1, 2, 9);
  testing::run_sql(scratch.data_file(), ("INSERT INTO job_history SELECT " + std::to_string(id) +
                                         ", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', '', '';"
                                         "DELETE FROM job WHERE id = " +
                                         std::to_string(id))
                                            .c_str());
  const auto fault = "row " + std::to_string(id) + " of table job_history: its job is not there";
  CHECK(faults_of(scratch.data_dir()) == fault + "\n");
  store_desk desk{{.data_dir = scratch.data_dir()}};
  const auto refused = testing::recover(
      *desk.store, {[](std::string_view) { return queue_id{1}; }, [](engine::kept_job&&) {}, [](const auto&) {}});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().text.find(fault) != std::string::npos);
}

TEST_CASE("a set of ids says once of each that it was there") {
  store::id_set all;
  CHECK_FALSE(all.erase(job_id{64}));
  for (const std::uint64_t id : {1, 63, 64, 65, 1'000'000}) all.insert(job_id{id});
  CHECK_FALSE(all.erase(job_id{2}));
  for (const std::uint64_t id : {64, 1, 1'000'000, 63, 65}) {
    CHECK_FALSE(all.empty());
    CHECK(all.erase(job_id{id}));
    CHECK_FALSE(all.erase(job_id{id}));
  }
  CHECK(all.empty());
}
