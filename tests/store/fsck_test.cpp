#include "store/fsck.hpp"

#include <fstream>
#include <string>
#include <vector>

#include "store/data_files.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::fill;
using testing::run_sql;
using testing::scratch_directory;
using testing::store_desk;

namespace {

struct fsck_report {
  store::examination counts;
  std::vector<std::string> faults;
};

fsck_report examine(const std::string& data_dir) {
  fsck_report report;
  const auto locked = store::data_directory::open(data_dir);
  REQUIRE(locked.has_value());
  const auto found = store::fsck(*locked, [&](std::string_view line) { report.faults.emplace_back(line); });
  REQUIRE(found.has_value());
  report.counts = *found;
  CHECK(report.counts.faults == report.faults.size());
  return report;
}

}  // namespace

TEST_CASE("fsck finds no fault in a data directory that a store has written") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 50);
  const auto report = examine(scratch.data_dir());
  CHECK(report.faults.empty());
  CHECK(report.counts.jobs == 50);
  CHECK(report.counts.queues == 1);
}

TEST_CASE("each row that makes no sense is named, and one does not hide the next") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 9);
  run_sql(scratch.data_file(),
          "UPDATE job SET state = 12 WHERE id = 2; UPDATE job SET queue = 77 WHERE id = 5;"
          "UPDATE job SET ttr = -1 WHERE id = 7; UPDATE job SET body = 'text' WHERE id = 9");
  CHECK(examine(scratch.data_dir()).faults ==
        std::vector<std::string>{
            "row 2 of table job: its state is out of range: 12", "row 5 of table job: its queue 77 is not there",
            "row 7 of table job: its ttr is out of range: -1", "row 9 of table job: its body is not a blob"});
}

TEST_CASE("a position that makes no sense is named, by fsck and by the start") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 1);
  run_sql(scratch.data_file(),
          "INSERT INTO source_position VALUES('good', 'lines', 7, -1, 1); INSERT INTO source_position VALUES('', "
          "'lines', 7, 1, 1);"
          "INSERT INTO source_position VALUES('high', 'lines', -7, 1, 1); INSERT INTO source_position VALUES('many', "
          "'lines', 7, 1, 'x')");
  CHECK(examine(scratch.data_dir()).faults ==
        std::vector<std::string>{"row  of table source_position: it has no producer",
                                 "row high of table source_position: its place is out of range: -7",
                                 "row many of table source_position: its bodies is not a number"});
  store_desk desk{{.data_dir = scratch.data_dir()}};
  const auto recovered = testing::recover(
      *desk.store,
      {[](std::string_view) { return queue_id{1}; }, [](engine::kept_job&&) {}, [](const store::recovered_pause&) {}});
  REQUIRE_FALSE(recovered);
  CHECK(recovered.error().text.find("row  of table source_position: it has no producer") != std::string::npos);
}

TEST_CASE("ids above the highest are faults, and no store begins with them") {
  const struct {
    const char* sql;
    std::string fault;
  } cases[]{
      {"UPDATE job SET id = 1152921504606846976 WHERE id = 2",
       "row 1152921504606846976 of table job: its id is out of range: 1152921504606846976"},
      {"UPDATE job SET id = 9223372036854775807 WHERE id = 2",
       "row 9223372036854775807 of table job: its id is out of range: 9223372036854775807"},
      {"UPDATE job SET burying = 9223372036854775807 WHERE id = 2",
       "row 2 of table job: its burying is out of range: 9223372036854775807"},
      {"INSERT OR REPLACE INTO mark VALUES('id', 1152921504606846976)",
       "row id of table mark: its value is out of range: 1152921504606846976"},
  };
  for (const auto& [sql, fault] : cases) {
    scratch_directory scratch;
    fill(scratch.data_dir(), 3);
    run_sql(scratch.data_file(), sql);
    CHECK(examine(scratch.data_dir()).faults == std::vector<std::string>{fault});
    store_desk desk{{.data_dir = scratch.data_dir()}};
    const auto refused = testing::recover(
        *desk.store, {[](std::string_view) { return queue_id{1}; }, [](engine::kept_job&&) {}, [](const auto&) {}});
    CHECK_FALSE(refused.has_value());
  }
}

TEST_CASE("damaged pages are faults, not the end of the examination") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 10'000);
  const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(scratch.data_file()) / 2);
  {
    std::fstream open{scratch.data_file(), std::ios::in | std::ios::out | std::ios::binary};
    open.seekp(middle);
    open << std::string(16'384, '\x5a');
  }
  const auto report = examine(scratch.data_dir());
  CHECK(report.counts.faults > 0);
  CHECK(report.counts.queues == 1);
}

TEST_CASE("a file that is no database is a fault") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 1);
  {
    std::fstream open{scratch.data_file(), std::ios::in | std::ios::out | std::ios::binary};
    open << std::string(64, '\x5a');
  }
  CHECK(examine(scratch.data_dir()).faults.size() == 1);
}

TEST_CASE("a body that differs from its checksum is a fault") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 3);
  run_sql(scratch.data_file(), "UPDATE job SET body = zeroblob(100) WHERE id = 2");
  CHECK(examine(scratch.data_dir()).faults ==
        std::vector<std::string>{"row 2 of table job: its body differs from its checksum"});
}

TEST_CASE("fsck reports a trigger that is not of the store") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 3);
  run_sql(scratch.data_file(), "CREATE TRIGGER thief AFTER INSERT ON job BEGIN DELETE FROM job; END");
  CHECK(examine(scratch.data_dir()).faults == std::vector<std::string>{"the trigger 'thief' is foreign"});
}

TEST_CASE("a file of version 2 or 3 is examined as it is, and stays so") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 3);
  testing::go_back_to_version(scratch, GENERATE(2, 3));
  for (int times = 0; times < 2; ++times) {
    const auto report = examine(scratch.data_dir());
    CHECK(report.faults.empty());
    CHECK(report.counts.jobs == 3);
  }
}

TEST_CASE("a file of version 1 is examined as it is, and stays so") {
  scratch_directory scratch;
  testing::create_first_version_with_missing_body(scratch);
  for (int times = 0; times < 2; ++times) {
    const auto report = examine(scratch.data_dir());
    CHECK(report.faults == std::vector<std::string>{"row 6 of table job: its body is not a blob"});
    CHECK(report.counts.jobs == 2);
  }
}
