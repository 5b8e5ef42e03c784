// The disk is full, or fails.
#include <sqlite3.h>
#include <sys/stat.h>

#include <atomic>
#include <climits>
#include <string>
#include <vector>

#include "store/desk.hpp"
#include "store/watched_vfs.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::put_of;
using testing::scratch_directory;
using testing::store_desk;

namespace {

/// Each write or each sync fails, from the `after`th on.
class bad_disk final : public testing::file_watcher {
 public:
  int before_write(const std::string&, std::string_view, long long) override { return admit(write_error); }
  int before_truncate(const std::string&, long long) override { return admit(write_error); }
  int before_sync(const std::string&) override { return admit(sync_error); }
  int before_remove(const std::string&) override { return admit(write_error); }

  std::atomic<int> write_error{SQLITE_OK};
  std::atomic<int> sync_error{SQLITE_OK};
  std::atomic<int> after{0};  ///< operations that still go well
  std::atomic<int> operations{0};

 private:
  int admit(const std::atomic<int>& error) {
    ++operations;
    if (error == SQLITE_OK) return SQLITE_OK;
    return after-- > 0 ? SQLITE_OK : error.load();
  }
};

/// A disk whose log can grow up to a limit, until a number of writes; from then on it is full.
class small_disk final : public testing::file_watcher {
 public:
  int before_write(const std::string& name, std::string_view bytes, long long offset) override {
    const bool grows = name.ends_with("-wal") && offset + static_cast<long long>(bytes.size()) > log_bytes_max;
    return grows || writes_left-- <= 0 ? SQLITE_FULL : SQLITE_OK;
  }
  int before_truncate(const std::string&, long long) override { return SQLITE_OK; }
  int before_sync(const std::string&) override { return SQLITE_OK; }
  int before_remove(const std::string&) override { return SQLITE_OK; }

  std::atomic<long long> log_bytes_max{LLONG_MAX};
  std::atomic<long long> writes_left{LLONG_MAX};
};

store::store_options options_in(const scratch_directory& scratch) { return {.data_dir = scratch.data_dir()}; }
constexpr auto on_bad_disk = [] { return store::store_context{.vfs = testing::watched_vfs::name}; };

std::size_t jobs_in(const scratch_directory& scratch) {
  store_desk again{options_in(scratch)};
  return again.recover().jobs.size();
}

}  // namespace

TEST_CASE("a batch that meets a full disk waits, whole, until there is space") {
  scratch_directory scratch;
  bad_disk disk;
  {
    testing::watched_vfs vfs{disk};
    store_desk desk{options_in(scratch), on_bad_disk()};
    desk.until_durable(desk.append(put_of(1, "before")));
    CHECK_FALSE(desk.store->short_of_space(0));

    disk.write_error = SQLITE_FULL;
    desk.append(put_of(2, "while it is full"));
    const auto batch = desk.append(testing::gone_of(1));
    desk.until([&] { return desk.store->short_of_space(0); });
    CHECK(desk.store->durable_up_to() < batch);
    CHECK(desk.store->failure().empty());

    disk.write_error = SQLITE_OK;
    desk.until_durable(batch);
    CHECK(desk.store->durable_up_to() == batch);
    desk.until([&] { return !desk.store->short_of_space(0); });
    CHECK(desk.store->counts().errors.value() > 0);
  }
  CHECK(jobs_in(scratch) == 1);
}

TEST_CASE("a disk that is still full at the end is a failure, not a wait without end") {
  scratch_directory scratch;
  bad_disk disk;
  {
    testing::watched_vfs vfs{disk};
    store_desk desk{options_in(scratch), on_bad_disk()};
    desk.until_durable(desk.append(put_of(1, "safe")));
    disk.write_error = SQLITE_FULL;
    desk.append(put_of(2, "not safe"));
    desk.close();
  }
  CHECK(jobs_in(scratch) == 1);
}

TEST_CASE("puts are to be refused while less is free than is reserved, also when nothing is written") {
  scratch_directory scratch;
  std::atomic<std::uint64_t> free{100};
  store::store_options options = options_in(scratch);
  options.disk_reserve = 1'000;
  store_desk desk{options, {.free_bytes = [&free](const std::string&) { return free.load(); }}};
  CHECK(desk.recover().jobs.empty());
  CHECK(desk.store->short_of_space(0));
  free = 2'000;
  desk.until([&] { return !desk.store->short_of_space(0); });
  desk.until_durable(desk.append(put_of(1, "x")));
  free = 10;
  desk.until_durable(desk.append(put_of(2, "x")));
  desk.until([&] { return desk.store->short_of_space(0); });
}

TEST_CASE("a put is refused when its own body might not fit into what is free") {
  scratch_directory scratch;
  store::store_options options = options_in(scratch);
  options.disk_reserve = 1'000;
  store_desk desk{options, {.free_bytes = [](const std::string&) { return std::uint64_t{10'000}; }}};
  CHECK(desk.recover().jobs.empty());
  // A byte of a body takes up to four: in the log, in the file, and in pages that are half full.
  CHECK_FALSE(desk.store->short_of_space(2'500));
  CHECK(desk.store->short_of_space(2'501));
}

TEST_CASE("a ballast is given up to a full disk, and made again when there is space") {
  scratch_directory scratch;
  const std::string ballast = scratch.data_dir() + "/" + store::ballast::file_name;
  bad_disk disk;
  testing::watched_vfs vfs{disk};
  store::store_options options = options_in(scratch);
  options.disk_reserve = 1u << 20;
  store_desk desk{options, on_bad_disk()};
  desk.until_durable(desk.append(put_of(1, "before")));
  struct stat facts {};
  REQUIRE(::stat(ballast.c_str(), &facts) == 0);
  CHECK(facts.st_size == 1 << 18);
  CHECK(facts.st_blocks * 512 >= facts.st_size);

  disk.write_error = SQLITE_FULL;
  const auto batch = desk.append(put_of(2, "while it is full"));
  desk.until([&] { return ::stat(ballast.c_str(), &facts) != 0; });
  disk.write_error = SQLITE_OK;
  desk.until_durable(batch);
  desk.until([&] { return ::stat(ballast.c_str(), &facts) == 0; });
}

TEST_CASE("after a write or a sync that failed nothing is safe any more, and what was safe stays") {
  const bool by_sync = GENERATE(false, true);
  for (int good_ones = 0; good_ones < 12; ++good_ones) {
    INFO((by_sync ? "sync" : "write") << " fails after " << good_ones << " that went well");
    scratch_directory scratch;
    bad_disk disk;
    std::uint64_t safe_jobs = 0;
    {
      testing::watched_vfs vfs{disk};
      store_desk desk{options_in(scratch), on_bad_disk()};
      desk.until_durable(desk.append(put_of(1, "x")));
      safe_jobs = 1;
      disk.after = good_ones;
      (by_sync ? disk.sync_error : disk.write_error) = by_sync ? SQLITE_IOERR_FSYNC : SQLITE_IOERR_WRITE;
      for (std::uint64_t id = 2; desk.store->failure().empty(); ++id) {
        REQUIRE(id < 100);
        const auto batch = desk.append(put_of(id, "x"));
        desk.until_durable(batch);
        if (desk.store->durable_up_to() >= batch) safe_jobs = id;
      }
      CHECK(desk.store->failure().find(scratch.data_dir()) == 0);
      const auto safe = desk.store->durable_up_to();
      const int reports = desk.durable_reports;
      CHECK(desk.append(put_of(1'000, "x")) > safe);
      disk.write_error = disk.sync_error = SQLITE_OK;
      desk.loop.run_ready();
      CHECK(desk.store->durable_up_to() == safe);
      CHECK(desk.durable_reports == reports);
    }
    // The last job may be on disk, though it was not reported as durable.
    CHECK(jobs_in(scratch) >= safe_jobs);
    CHECK(jobs_in(scratch) <= safe_jobs + 1);
  }
}

TEST_CASE("a batch that a full disk takes only in part leaves no history without its job") {
  constexpr std::uint64_t jobs = 300;
  bool in_part = false;
  for (int writes = 300; writes < 1'500; writes += 200) {
    INFO("the disk is full after " << writes << " writes");
    scratch_directory scratch;
    small_disk disk;
    {
      testing::watched_vfs vfs{disk};
      store_desk desk{options_in(scratch), on_bad_disk()};
      for (std::uint64_t id = 1; id <= jobs; ++id) desk.append(put_of(id, std::string(3'000, 'x')));
      store::batch_id last = 0;
      for (std::uint64_t id = 1; id <= jobs; id += 1 + id % 3) {
        last = desk.append(engine::job_moved{
            job_id{id}, queue_id{1}, engine::job_state::ready, 1, {}, {}, {.releases = 1}, "it failed"});
      }
      desk.until_durable(last);
      // Less than the whole batch needs.
      disk.log_bytes_max = 600'000;
      disk.writes_left = writes;
      for (std::uint64_t id = 1; id <= jobs; ++id) desk.append(testing::gone_of(id));
      desk.close();
    }
    // The start refuses a history without a job.
    const auto left = jobs_in(scratch);
    in_part = in_part || (left > 0 && left < jobs);
  }
  CHECK(in_part);
}
