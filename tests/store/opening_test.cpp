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

/// Why it does not open; empty if it does.
std::string refusal(const std::string& data_dir) {
  loop::event_loop loop;
  auto made = store::sqlite_store::open(loop, {.data_dir = data_dir}, [](queue_id) { return std::string_view{"q1"}; });
  return made ? std::string{} : made.error().text;
}

void overwrite(const std::string& file, std::streamoff from, std::size_t bytes) {
  std::fstream open{file, std::ios::in | std::ios::out | std::ios::binary};
  open.seekp(from);
  open << std::string(bytes, '\x5a');
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

TEST_CASE("a database of somebody else is refused") {
  scratch_directory scratch;
  std::filesystem::create_directory(scratch.data_dir());
  run_sql(scratch.data_file(), "CREATE TABLE theirs(x)");
  CHECK(contains(refusal(scratch.data_dir()), "not one of millrace"));
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
  const auto recovered = desk->it->recover([](std::string_view) { return queue_id{1}; }, [](engine::kept_job&&) {},
                                           [](const store::sqlite_store::recovered_pause&) {});
  REQUIRE_FALSE(recovered);
  CHECK(contains(recovered.error().text, scratch.data_file() + " is damaged"));
  CHECK(contains(recovered.error().text, "millrace fsck"));
}

TEST_CASE("a row that makes no sense is named") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 3);
  run_sql(scratch.data_file(), "UPDATE job SET state = 12 WHERE id = 2");
  store_desk desk{{.data_dir = scratch.data_dir()}};
  const auto recovered = desk.it->recover([](std::string_view) { return queue_id{1}; }, [](engine::kept_job&&) {},
                                          [](const store::sqlite_store::recovered_pause&) {});
  REQUIRE_FALSE(recovered);
  CHECK(contains(recovered.error().text, "row 2 of table job"));
}

TEST_CASE("bodies are brought along at the start until they take what they may, then they are left on disk") {
  scratch_directory scratch;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    for (std::uint64_t id = 1; id <= 6; ++id) {
      desk.keep(put_of(id, id == 4 ? std::string{} : std::string(10 * id, static_cast<char>('a' + id))));
    }
    const auto bury = [&](std::uint64_t id) {
      desk.until_safe(desk.keep(
          engine::job_moved{job_id{id}, queue_id{1}, engine::job_state::buried, 5, {}, {}, {.buries = 1}, "no good"}));
    };
    bury(6);
    bury(2);
  }
  // In the order in which they come: 1, 3, 4 (empty), 5, then the buried ones 6 and 2. Each body takes 24 bytes and its own.
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
  std::string came;
  std::string with_body;
  for (const auto& job : found.jobs) {
    const auto id = job.job.value();
    const auto bytes = id == 4 ? 0 : 10 * id;
    came += ' ' + std::to_string(id);
    if (job.bytes_on_disk) {
      CHECK(*job.bytes_on_disk == bytes);
      CHECK(job.what.content.size() == 0);
    } else {
      with_body += ' ' + std::to_string(id);
      CHECK(job.what.content.view() == std::string(bytes, static_cast<char>('a' + id)));
    }
    CHECK(job.error_text == (id == 6 || id == 2 ? "no good" : ""));
  }
  CHECK(came == " 1 3 4 5 6 2");
  CHECK(with_body == brought);
}

TEST_CASE("a row whose body is none of bytes is named, though the body is left on disk") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 3);
  run_sql(scratch.data_file(), "UPDATE job SET body = 'text' WHERE id = 2");
  store_desk desk{{.data_dir = scratch.data_dir()}};
  const auto recovered = desk.it->recover([](std::string_view) { return queue_id{1}; }, [](engine::kept_job&&) {},
                                          [](const store::sqlite_store::recovered_pause&) {}, 0);
  REQUIRE_FALSE(recovered);
  CHECK(contains(recovered.error().text, "row 2 of table job"));
}
