#include <filesystem>
#include <fstream>
#include <string>

#include "store/data_files.hpp"
#include "store/schema.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::fill;
using testing::put_of;
using testing::run_sql;
using testing::scratch_directory;
using testing::store_desk;

namespace {

/// The reason why the store does not open; empty if it opens.
std::string refusal(const std::string& data_dir) {
  loop::event_loop loop;
  auto opened =
      store::sqlite_store::open(loop, {.data_dir = data_dir}, [](queue_id) { return std::string_view{"q1"}; });
  return opened ? std::string{} : opened.error().text;
}

void overwrite(const std::string& file, std::streamoff from, std::size_t bytes) {
  std::fstream open{file, std::ios::in | std::ios::out | std::ios::binary};
  open.seekp(from);
  open << std::string(bytes, '\x5a');
}

std::string content_of(const std::string& file) {
  std::ifstream open{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{open}, {}};
}

/// Takes everything and keeps nothing.
store::recovery_sink ignoring_sink() {
  return {[](std::string_view) { return queue_id{1}; }, [](engine::kept_job&&) {},
          [](const store::recovered_pause&) {}};
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a second store on the same directory is refused while the first one is there") {
  scratch_directory scratch;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    CHECK(refusal(scratch.data_dir()) == scratch.data_dir() + ": in use by another process");
  }
  CHECK(refusal(scratch.data_dir()).empty());
}

TEST_CASE("a directory that cannot be made is named") {
  scratch_directory scratch;
  const auto path = scratch.path() + "/not/there";
  CHECK(refusal(path) == path + ": No such file or directory");
}

TEST_CASE("a file of a newer version is refused and left as it is") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 1);
  run_sql(scratch.data_file(), "PRAGMA user_version = 4711");
  const auto why = refusal(scratch.data_dir());
  CHECK(contains(why, scratch.data_file()));
  CHECK(contains(why, "newer"));
  CHECK(contains(why, "4711"));
  run_sql(scratch.data_file(), ("PRAGMA user_version = " + std::to_string(store::schema_version)).c_str());
  store_desk again{{.data_dir = scratch.data_dir()}};
  CHECK(again.recover().jobs.size() == 1);
}

TEST_CASE("a database of another program is refused and left as it is") {
  scratch_directory scratch;
  std::filesystem::create_directory(scratch.data_dir());
  run_sql(scratch.data_file(), "CREATE TABLE theirs(x)");
  const auto content = content_of(scratch.data_file());
  CHECK(contains(refusal(scratch.data_dir()), "not one of millrace"));
  CHECK((content_of(scratch.data_file()) == content));
}

TEST_CASE("a file with a damaged header is refused, and the text says how to look at it") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 1);
  overwrite(scratch.data_file(), 0, 64);
  const auto why = refusal(scratch.data_dir());
  CHECK(contains(why, scratch.data_file() + " is damaged"));
  CHECK(contains(why, "millrace fsck " + scratch.data_dir()));
}

TEST_CASE("a file with damaged pages is found out when it is read") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 10'000);
  const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(scratch.data_file()) / 2);
  overwrite(scratch.data_file(), middle, 16'384);
  auto desk = std::make_unique<store_desk>(store::store_options{.data_dir = scratch.data_dir()});
  std::string why;
  const auto recovered = testing::recover(*desk->store, ignoring_sink());
  REQUIRE_FALSE(recovered);
  CHECK(contains(recovered.error().text, scratch.data_file() + " is damaged"));
  CHECK(contains(recovered.error().text, "millrace fsck"));
}

TEST_CASE("a row that makes no sense is named") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 3);
  run_sql(scratch.data_file(), "UPDATE job SET state = 12 WHERE id = 2");
  store_desk desk{{.data_dir = scratch.data_dir()}};
  const auto recovered = testing::recover(*desk.store, ignoring_sink());
  REQUIRE_FALSE(recovered);
  CHECK(contains(recovered.error().text, "row 2 of table job"));
}

TEST_CASE("bodies are brought along at the start until they take what they may, then they are left on disk") {
  scratch_directory scratch;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    for (std::uint64_t id = 1; id <= 6; ++id) {
      desk.append(put_of(id, id == 4 ? std::string{} : std::string(10 * id, static_cast<char>('a' + id))));
    }
    const auto bury = [&](std::uint64_t id) {
      desk.until_durable(desk.append(
          engine::job_moved{job_id{id}, queue_id{1}, engine::job_state::buried, 5, {}, {}, {.buries = 1}, "no good"}));
    };
    bury(6);
    bury(2);
  }
  // In the order in which they come: 1, 3, 4 (empty), 5, then the buried ones 6 and 2. Each body takes 24 bytes and its
  // own.
  const std::uint64_t everything = 10 + 30 + 50 + 60 + 20 + 5 * 24;
  const auto [body_bytes_max, brought] = GENERATE_COPY(table<std::uint64_t, std::string_view>({
      {0, " 4"},
      {33, " 4"},
      {34, " 1 4"},
      {34 + 54 - 1, " 1 4"},
      {34 + 54, " 1 3 4"},
      {34 + 54 + 74, " 1 3 4 5"},
      {everything - 1, " 1 3 4 5 6"},
      {everything, " 1 3 4 5 6 2"},
      {UINT64_MAX, " 1 3 4 5 6 2"},
  }));
  INFO(body_bytes_max << " bytes");
  store_desk again{{.data_dir = scratch.data_dir()}};
  const auto found = again.recover(body_bytes_max);
  std::string ids;
  std::string with_body;
  for (const auto& job : found.jobs) {
    const auto id = job.job.value();
    const auto bytes = id == 4 ? 0 : 10 * id;
    ids += ' ' + std::to_string(id);
    if (job.bytes_on_disk) {
      CHECK(*job.bytes_on_disk == bytes);
      CHECK(job.request.content.size() == 0);
    } else {
      with_body += ' ' + std::to_string(id);
      CHECK(job.request.content.view() == std::string(bytes, static_cast<char>('a' + id)));
    }
    CHECK(job.error_text == (id == 6 || id == 2 ? "no good" : ""));
  }
  CHECK(ids == " 1 3 4 5 6 2");
  CHECK(with_body == brought);
}

TEST_CASE("a row whose body is none of bytes is named, though the body is left on disk") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 3);
  run_sql(scratch.data_file(), "UPDATE job SET body = 'text' WHERE id = 2");
  store_desk desk{{.data_dir = scratch.data_dir()}};
  const auto recovered = testing::recover(*desk.store, ignoring_sink(), 0);
  REQUIRE_FALSE(recovered);
  CHECK(contains(recovered.error().text, "row 2 of table job"));
}

TEST_CASE("a file of version 1 is migrated, with all that it holds") {
  scratch_directory scratch;
  testing::create_first_version(scratch);
  run_sql(scratch.data_file(),
          "INSERT INTO queue VALUES(3, 'q1', 0, 0);"
          "INSERT INTO queue VALUES(4, 'q2', 9223372036854775807, 60000000000);"
          "INSERT INTO job VALUES(5, 3, 0, 7, 60000000000, 1000, 0, 0, 0, 1, 2, 3, 4, 5, '', x'00ff');"
          "INSERT INTO job VALUES(6, 3, 2, 7, 60000000000, 1000, 0, 0, 9, 0, 0, 0, 1, 0, 'no good', x'');"
          "INSERT INTO mark VALUES('id', 100)");
  for (int start = 0; start < 2; ++start) {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    const auto found = desk.recover();
    REQUIRE(found.jobs.size() == 2);
    CHECK(found.jobs[0].job == job_id{5});
    CHECK(found.jobs[0].request.content.view() == std::string_view{"\0\xff", 2});
    CHECK(found.jobs[0].tally == engine::job_tally{1, 2, 3, 4, 5, 0});
    CHECK(found.jobs[1].state == engine::job_state::buried);
    CHECK(found.jobs[1].error_text == "no good");
    CHECK(found.pauses.size() == 1);
    CHECK(found.id_mark == 100);
  }
}

TEST_CASE("a file of version 2 or 3 is migrated, with all that it holds") {
  const int version = GENERATE(2, 3);
  INFO("version " << version);
  scratch_directory scratch;
  fill(scratch.data_dir(), 3);
  testing::go_back_to_version(scratch, version);
  if (version == 3) run_sql(scratch.data_file(), "UPDATE job SET failures = 6 WHERE id = 2");
  run_sql(scratch.data_file(),
          "UPDATE job SET state = 2, burying = 1, reserves = 1, timeouts = 2, releases = 3, buries = 4, kicks = 5, "
          "error = 'no good' WHERE id = 2;"
          "INSERT INTO source_position VALUES('p', 'lines', 17, 18, 19)");
  for (int start = 0; start < 2; ++start) {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    const auto found = desk.recover();
    REQUIRE(found.jobs.size() == 3);
    CHECK(found.jobs[0].tally == engine::job_tally{});
    CHECK(found.jobs[0].request.content.view() == std::string(100, 'x'));
    CHECK(found.jobs[2].job == job_id{2});
    CHECK(found.jobs[2].tally == engine::job_tally{1, 2, 3, 4, 5, version == 3 ? 6u : 0u});
    CHECK(found.jobs[2].error_text == "no good");
    const auto position = desk.store->position_of("p");
    REQUIRE(position.has_value());
    CHECK(position->at == engine::source_place{17, 18, 19});
  }
}

TEST_CASE("a row of version 1 without a body is named, and the file stays as it was") {
  scratch_directory scratch;
  testing::create_first_version_with_missing_body(scratch);
  CHECK(contains(refusal(scratch.data_dir()), "row 6 of table job: its body is missing"));
  CHECK(contains(refusal(scratch.data_dir()), "row 6 of table job: its body is missing"));
  run_sql(scratch.data_file(), "DELETE FROM job WHERE id = 6");
  store_desk desk{{.data_dir = scratch.data_dir()}};
  CHECK(desk.recover().jobs.size() == 1);
}

TEST_CASE("a schema that differs from millrace's own is refused, and the difference is named") {
  const auto [change, sentence] = GENERATE(table<const char*, const char*>({
      {"CREATE TRIGGER thief AFTER INSERT ON job BEGIN DELETE FROM job; END", "the trigger 'thief' is foreign"},
      {"CREATE VIEW looks AS SELECT * FROM job", "the view 'looks' is foreign"},
      {"CREATE INDEX by_queue ON job(queue)", "the index 'by_queue' is foreign"},
      {"CREATE TABLE theirs(x)", "the table 'theirs' is foreign"},
      {"ALTER TABLE job ADD COLUMN colour TEXT", "the table 'job' has the foreign column 'colour'"},
      {"ALTER TABLE job_history RENAME COLUMN kicks TO kick", "the table 'job_history' has the foreign column 'kick'"},
      {"DROP TABLE mark", "the table 'mark' is missing"},
      {"DROP TABLE mark; CREATE TABLE mark(value INTEGER NOT NULL, name TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID",
       "the table 'mark' has its columns in another order"},
      {"DROP TABLE mark; CREATE TABLE mark(name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID",
       "the table 'mark' is defined differently"},
  }));
  scratch_directory scratch;
  fill(scratch.data_dir(), 3);
  run_sql(scratch.data_file(), change);
  CHECK(contains(refusal(scratch.data_dir()), sentence));
}

TEST_CASE("statistics of ANALYZE and a VACUUM are no difference of the schema") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 3);
  run_sql(scratch.data_file(), "ANALYZE; VACUUM");
  CHECK(refusal(scratch.data_dir()).empty());
}

TEST_CASE("a body that differs from its checksum is not brought back") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 3);
  run_sql(scratch.data_file(), "UPDATE job SET body = zeroblob(100) WHERE id = 2");
  store_desk desk{{.data_dir = scratch.data_dir()}};
  const auto recovered = testing::recover(*desk.store, ignoring_sink());
  REQUIRE_FALSE(recovered);
  CHECK(contains(recovered.error().text, "row 2 of table job: its body differs from its checksum"));
}

TEST_CASE("the intact body of another job is a damaged one") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 3);
  run_sql(scratch.data_file(),
          "UPDATE job SET (checksum, body) = (SELECT checksum, body FROM job WHERE id = 3) WHERE id = 2");
  store_desk desk{{.data_dir = scratch.data_dir()}};
  const auto recovered = testing::recover(*desk.store, ignoring_sink());
  CHECK_FALSE(recovered);
}

TEST_CASE("what is read in slices is what is read at once, and a recovery that is given up changes nothing") {
  scratch_directory scratch;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    for (std::uint64_t id = 1; id <= 40; ++id)
      desk.append(put_of(id, std::string(id, 'x'), queue_id{static_cast<std::uint32_t>(1 + id % 3)}));
    for (const std::uint64_t id : {30, 4, 17}) {
      desk.append(engine::job_moved{
          job_id{id}, queue_id{static_cast<std::uint32_t>(1 + id % 3)}, engine::job_state::buried, 5, {}, {}, {}, ""});
    }
  }
  const auto ids_in_slices = [&](std::size_t rows, int slices_max) {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    std::vector<std::uint64_t> ids;
    desk.store->begin_recovery(
        {[](std::string_view) { return queue_id{1}; }, [&](engine::kept_job&& job) { ids.push_back(job.job.value()); },
         [](const store::recovered_pause&) {}},
        UINT64_MAX);
    for (int n = 0; n < slices_max; ++n) {
      const auto done = desk.store->recover_slice(rows, 100);
      REQUIRE(done.has_value());
      if (*done) break;
    }
    return ids;
  };
  const auto all = ids_in_slices(1'000, 1'000);
  CHECK(all.size() == 40);
  CHECK((all[37] == 30 && all[38] == 4 && all[39] == 17));
  CHECK(ids_in_slices(1, 20).size() < 20);
  CHECK(ids_in_slices(1, 1'000) == all);
  CHECK(ids_in_slices(7, 1'000) == all);
}
