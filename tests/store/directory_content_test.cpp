#include "store/directory_content.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "store/data_files.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::scratch_directory;
using testing::store_desk;

namespace {

void create(const scratch_directory& scratch, const std::string& name, const std::string& text = "theirs") {
  std::filesystem::create_directories(scratch.data_dir());
  std::ofstream{scratch.data_dir() + "/" + name} << text;
}

/// The error of opening a store; empty if it opens.
std::string refusal(const std::string& data_dir) {
  loop::event_loop loop;
  auto made = store::sqlite_store::open(loop, {.data_dir = data_dir}, [](queue_id) { return std::string_view{"q1"}; });
  return made ? std::string{} : made.error().text;
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::size_t files_in(const std::string& directory) {
  const std::filesystem::directory_iterator first{directory};
  return static_cast<std::size_t>(std::distance(begin(first), end(first)));
}

/// The lines that are logged while it exists.
class logged {
 public:
  logged() {
    const auto render = [this](const log::record& line, wall_time) {
      std::string text{line.event};
      for (const auto& field : line.fields) {
        if (const auto* const value = std::get_if<std::string_view>(&field.value))
          text += "|" + std::string{*value};
        else if (const auto* const count = std::get_if<std::uint64_t>(&field.value))
          text += "|" + std::to_string(*count);
      }
      lines_.push_back(text);
      return text;
    };
    log::start({render, [](log::level, std::string_view) {}}, log::level::warning);
  }
  ~logged() { log::stop(seconds{5}); }
  logged(const logged&) = delete;
  logged& operator=(const logged&) = delete;
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
};

}  // namespace

TEST_CASE("a directory with the log of a beanstalkd is refused, and the message names the import") {
  scratch_directory scratch;
  create(scratch, "lock", "");
  create(scratch, "binlog.1");
  const auto why = refusal(scratch.data_dir());
  CHECK(contains(why, "binlog.1"));
  CHECK(contains(why, "'millrace import --from beanstalkd-binlog " + scratch.data_dir() + " NEW_DATA_DIR'"));
  CHECK(files_in(scratch.data_dir()) == 2);
}

TEST_CASE("the log of a beanstalkd is refused beside a data file as well") {
  scratch_directory scratch;
  testing::fill(scratch.data_dir(), 1);
  create(scratch, "binlog.27");
  CHECK(contains(refusal(scratch.data_dir()), "binlog.27"));
  logged log;
  CHECK(store::check_content(scratch.data_dir(), store::foreign_data::report).has_value());
  CHECK(log.lines() == std::vector<std::string>{"foreign_files|" + scratch.data_dir() + "|binlog.27|1"});
}

TEST_CASE("a directory with another program's database is refused while millrace has no data in it") {
  const auto [name, program] =
      GENERATE(table<const char*, const char*>({{"dump.rdb", "Redis"}, {"PG_VERSION", "PostgreSQL"}}));
  scratch_directory scratch;
  create(scratch, name);
  CHECK(contains(refusal(scratch.data_dir()), program));
  CHECK(files_in(scratch.data_dir()) == 1);
  std::filesystem::remove(scratch.data_dir() + "/" + name);
  testing::fill(scratch.data_dir(), 1);
  create(scratch, name);
  logged log;
  CHECK(refusal(scratch.data_dir()).empty());
  CHECK(log.lines().size() == 1);
}

TEST_CASE("foreign files are named in one warning, the first of them") {
  scratch_directory scratch;
  for (const char* const name : {"binlog.", "binlog.x", "notes.txt", "millrace.db.bak"}) create(scratch, name);
  for (int n = 10; n < 20; ++n) create(scratch, "z" + std::to_string(n));
  logged log;
  CHECK(refusal(scratch.data_dir()).empty());
  CHECK(log.lines() ==
        std::vector<std::string>{"foreign_files|" + scratch.data_dir() +
                                 "|binlog., binlog.x, millrace.db.bak, notes.txt, z10, z11, z12, z13, z14, "
                                 "z15|14"});
}

TEST_CASE("millrace's own files are no reason for a warning") {
  scratch_directory scratch;
  testing::fill(scratch.data_dir(), 1);
  create(scratch, "millrace.ballast");
  std::filesystem::create_directory(scratch.data_dir() + "/lost+found");
  logged log;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    CHECK(store::check_content(scratch.data_dir(), store::foreign_data::report).has_value());
  }
  CHECK(log.lines().empty());
}

TEST_CASE("a write-ahead log without its data file is refused and kept") {
  scratch_directory scratch;
  create(scratch, "millrace.db-wal", "committed jobs");
  CHECK(contains(refusal(scratch.data_dir()), "millrace.db-wal is there without millrace.db"));
  CHECK(files_in(scratch.data_dir()) == 1);
  create(scratch, "millrace.db-wal", "");
  CHECK(refusal(scratch.data_dir()).empty());
}
