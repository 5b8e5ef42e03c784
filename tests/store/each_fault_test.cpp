// One operation of a short life on a disk fails: each in turn.
#include <sqlite3.h>

#include <atomic>
#include <cstdlib>
#include <random>
#include <string>

#include "store/desk.hpp"
#include "store/short_life.hpp"
#include "store/watched_vfs.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::jobs_on_disk;
using testing::scratch_directory;
using testing::short_life;
using testing::store_desk;

namespace {

/// A disk on which so many operations fail, once so many have gone well.
class failing_disk final : public testing::file_watcher {
 public:
  enum class kind { change, sync };
  failing_disk(kind what, int error, int good_ones, int bad_ones)
      : what_{what}, error_{error}, good_ones_{good_ones}, bad_ones_{bad_ones} {}

  int before_write(const std::string&, std::string_view, long long) override { return come(kind::change); }
  int before_truncate(const std::string& file, long long) override {
    const int status = come(kind::change);
    if (status == SQLITE_OK && file.ends_with("-wal")) ++logs_cut;
    return status;
  }
  int before_remove(const std::string&) override { return SQLITE_OK; }
  int before_sync(const std::string&) override { return come(kind::sync); }

  std::atomic<int> came{0};
  std::atomic<int> failed{0};
  std::atomic<int> logs_cut{0};

 private:
  int come(kind what) {
    if (what != what_) return SQLITE_OK;
    const int before = came++;
    if (before < good_ones_ || before >= good_ones_ + bad_ones_) return SQLITE_OK;
    ++failed;
    return error_;
  }

  const kind what_;
  const int error_, good_ones_, bad_ones_;
};

struct ending {
  bool opened{false};
  std::string failure;
  jobs_on_disk safe, now;
};

ending live_on(failing_disk& disk, const scratch_directory& scratch) {
  ending how;
  testing::watched_vfs vfs{disk};
  std::unique_ptr<store_desk> desk;
  try {
    desk = std::make_unique<store_desk>(
        store::store_options{.data_dir = scratch.data_dir(), .disk_reserve = 1u << 20},
        store::store_context{.vfs = testing::watched_vfs::name, .limits = testing::small_files});
  } catch (const std::exception&) {
    return how;  // could not start
  }
  how.opened = true;
  const int cut_before = disk.logs_cut;
  short_life life{*desk, [&] { return disk.logs_cut > cut_before; }};
  life.live();
  how.failure = desk->it->failure();
  desk->close();
  how.safe = life.safe;
  how.now = life.now;
  return how;
}

jobs_on_disk left_in(const scratch_directory& scratch) {
  store_desk again{{.data_dir = scratch.data_dir(), .disk_reserve = 0}};
  return testing::found_by(again);
}

int operations_of_a_life(failing_disk::kind what) {
  scratch_directory scratch;
  failing_disk disk{what, SQLITE_OK, 0, 0};
  const auto how = live_on(disk, scratch);
  CHECK(how.failure.empty());
  CHECK(left_in(scratch) == how.now);
  return disk.came;
}

/// Every one by hand; a fifth of them, others each time, in a run of all tests.
// NOLINTNEXTLINE(concurrency-mt-unsafe): the environment never changes
int stride() { return std::getenv("MILLRACE_EACH_FAULT") != nullptr ? 1 : 5; }
int first_of(int step) { return static_cast<int>(std::random_device{}() % static_cast<unsigned>(step)); }

}  // namespace

TEST_CASE("a write that finds no space, whichever it is, loses nothing and ends nothing") {
  const int all = operations_of_a_life(failing_disk::kind::change);
  CHECK(all > 100);
  int not_started = 0;
  for (const int in_a_row : {1, 6}) {
    for (int good_ones = first_of(stride()); good_ones < all; good_ones += stride()) {
      INFO(in_a_row << " of " << all << " writes find no space after " << good_ones);
      scratch_directory scratch;
      failing_disk disk{failing_disk::kind::change, SQLITE_FULL, good_ones, in_a_row};
      const auto how = live_on(disk, scratch);
      CHECK(disk.failed > 0);
      if (!how.opened) {
        ++not_started;
        CHECK(left_in(scratch).empty());
        continue;
      }
      CHECK(how.failure.empty());
      CHECK(how.safe == how.now);
      CHECK(left_in(scratch) == how.now);
    }
  }
  CHECK(not_started < all / 4);
}

TEST_CASE("a write or a sync that fails, whichever it is, ends all acknowledging, and what was acknowledged is there") {
  const auto what = GENERATE(failing_disk::kind::change, failing_disk::kind::sync);
  const int error = what == failing_disk::kind::sync ? SQLITE_IOERR_FSYNC : SQLITE_IOERR_WRITE;
  const int all = operations_of_a_life(what);
  CHECK(all > 10);
  for (int good_ones = first_of(stride()); good_ones < all; good_ones += stride()) {
    INFO((what == failing_disk::kind::sync ? "sync " : "write ") << good_ones << " of " << all << " fails");
    scratch_directory scratch;
    failing_disk disk{what, error, good_ones, 1};
    const auto how = live_on(disk, scratch);
    CHECK(disk.failed == 1);
    const auto left = left_in(scratch);
    if (!how.opened) {
      CHECK(left.empty());
    } else if (how.failure.empty()) {
      // In the last tidying up, when all was acknowledged.
      CHECK(left == how.now);
    } else {
      CHECK(how.failure.find(scratch.data_dir()) == 0);
      CHECK((left == how.safe || left == how.now));
    }
  }
}
