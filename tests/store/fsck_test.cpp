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

struct told {
  store::examination what;
  std::vector<std::string> faults;
};

told examined(const std::string& data_dir) {
  told all;
  const auto locked = store::data_directory::open(data_dir);
  REQUIRE(locked.has_value());
  const auto found = store::fsck(*locked, [&](std::string_view line) { all.faults.emplace_back(line); });
  REQUIRE(found.has_value());
  all.what = *found;
  CHECK(all.what.faults == all.faults.size());
  return all;
}

}  // namespace

TEST_CASE("nothing is wrong with what a store wrote") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 50);
  const auto all = examined(scratch.data_dir());
  CHECK(all.faults.empty());
  CHECK(all.what.jobs == 50);
  CHECK(all.what.queues == 1);
}

TEST_CASE("each row that makes no sense is named, and one does not hide the next") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 9);
  run_sql(scratch.data_file(),
          "UPDATE job SET state = 12 WHERE id = 2; UPDATE job SET queue = 77 WHERE id = 5;"
          "UPDATE job SET ttr = -1 WHERE id = 7; UPDATE job SET body = 'text' WHERE id = 9");
  CHECK(examined(scratch.data_dir()).faults ==
        std::vector<std::string>{"job 2: its state 12 is none", "job 5: its queue 77 is not there",
                                 "job 7: its time to run is no duration", "job 9: its body is not one of bytes"});
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
  const auto all = examined(scratch.data_dir());
  CHECK(all.what.faults > 0);
  CHECK(all.what.queues == 1);
}

TEST_CASE("a file that is no database is a fault") {
  scratch_directory scratch;
  fill(scratch.data_dir(), 1);
  {
    std::fstream open{scratch.data_file(), std::ios::in | std::ios::out | std::ios::binary};
    open << std::string(64, '\x5a');
  }
  CHECK(examined(scratch.data_dir()).faults.size() == 1);
}
