// Each operation of a short life on a disk fails, one in each run.
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

/// After `successes` operations of one kind, `failures` operations of it fail.
class failing_disk final : public testing::file_watcher {
 public:
  enum class kind { change, sync };
  failing_disk(kind failing_kind, int error, int successes, int failures)
      : kind_{failing_kind}, error_{error}, successes_{successes}, failures_{failures} {}

  int before_write(const std::string&, std::string_view, long long) override { return admit(kind::change); }
  int before_truncate(const std::string& file, long long) override {
    const int status = admit(kind::change);
    if (status == SQLITE_OK && file.ends_with("-wal")) ++logs_cut;
    return status;
  }
  int before_remove(const std::string&) override { return SQLITE_OK; }
  int before_sync(const std::string&) override { return admit(kind::sync); }

  std::atomic<int> operations{0};
  std::atomic<int> failed{0};
  std::atomic<int> logs_cut{0};

 private:
  int admit(kind operation) {
    if (operation != kind_) return SQLITE_OK;
    const int before = operations++;
    if (before < successes_ || before >= successes_ + failures_) return SQLITE_OK;
    ++failed;
    return error_;
  }

  const kind kind_;
  const int error_, successes_, failures_;
};

struct life_result {
  bool opened{false};
  std::string failure;
  jobs_on_disk safe, now;
};

life_result run_life(failing_disk& disk, const scratch_directory& scratch) {
  life_result result;
  testing::watched_vfs vfs{disk};
  std::unique_ptr<store_desk> desk;
  try {
    desk = std::make_unique<store_desk>(
        store::store_options{.data_dir = scratch.data_dir(), .disk_reserve = 1u << 20},
        store::store_context{.vfs = testing::watched_vfs::name, .limits = testing::small_files});
  } catch (const std::exception&) {
    return result;  // could not start
  }
  result.opened = true;
  const int cut_before = disk.logs_cut;
  short_life life{*desk, [&] { return disk.logs_cut > cut_before; }};
  life.live();
  result.failure = desk->store->failure();
  desk->close();
  result.safe = life.safe;
  result.now = life.now;
  return result;
}

jobs_on_disk jobs_in(const scratch_directory& scratch) {
  store_desk again{{.data_dir = scratch.data_dir(), .disk_reserve = 0}};
  return testing::found_by(again);
}

int count_operations(failing_disk::kind kind) {
  scratch_directory scratch;
  failing_disk disk{kind, SQLITE_OK, 0, 0};
  const auto result = run_life(disk, scratch);
  CHECK(result.failure.empty());
  CHECK(jobs_in(scratch) == result.now);
  return disk.operations;
}

/// A run of all tests tries a fifth of the operations, other ones each time. With the variable it tries all.
// NOLINTNEXTLINE(concurrency-mt-unsafe): the environment never changes
int stride() { return std::getenv("MILLRACE_EACH_FAULT") != nullptr ? 1 : 5; }
int random_start(int step) { return static_cast<int>(std::random_device{}() % static_cast<unsigned>(step)); }

}  // namespace

TEST_CASE("a write that finds no space, whichever it is, loses nothing and ends nothing") {
  const int all = count_operations(failing_disk::kind::change);
  CHECK(all > 100);
  int not_started = 0;
  for (const int in_a_row : {1, 6}) {
    for (int successes = random_start(stride()); successes < all; successes += stride()) {
      INFO(in_a_row << " of " << all << " writes find no space after " << successes);
      scratch_directory scratch;
      failing_disk disk{failing_disk::kind::change, SQLITE_FULL, successes, in_a_row};
      const auto result = run_life(disk, scratch);
      CHECK(disk.failed > 0);
      if (!result.opened) {
        ++not_started;
        CHECK(jobs_in(scratch).empty());
        continue;
      }
      CHECK(result.failure.empty());
      CHECK(result.safe == result.now);
      CHECK(jobs_in(scratch) == result.now);
    }
  }
  CHECK(not_started < all / 4);
}

TEST_CASE("a write or a sync that fails, whichever it is, ends all acknowledging, and what was acknowledged is there") {
  const auto kind = GENERATE(failing_disk::kind::change, failing_disk::kind::sync);
  const int error = kind == failing_disk::kind::sync ? SQLITE_IOERR_FSYNC : SQLITE_IOERR_WRITE;
  const int all = count_operations(kind);
  CHECK(all > 10);
  for (int successes = random_start(stride()); successes < all; successes += stride()) {
    INFO((kind == failing_disk::kind::sync ? "sync " : "write ") << successes << " of " << all << " fails");
    scratch_directory scratch;
    failing_disk disk{kind, error, successes, 1};
    const auto result = run_life(disk, scratch);
    CHECK(disk.failed == 1);
    const auto left = jobs_in(scratch);
    if (!result.opened) {
      CHECK(left.empty());
    } else if (result.failure.empty()) {
      // The operation failed while the store closed, after the last acknowledgement.
      CHECK(left == result.now);
    } else {
      CHECK(result.failure.find(scratch.data_dir()) == 0);
      CHECK((left == result.safe || left == result.now));
    }
  }
}
