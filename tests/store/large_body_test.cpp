// Bodies that are too large to be read on the loop.
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "loop/mailbox.hpp"
#include "store/body_reader.hpp"
#include "store/data_files.hpp"
#include "store/desk.hpp"
#include "store/watched_vfs.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::put_of;
using testing::run_sql;
using testing::scratch_directory;
using testing::store_desk;

namespace {

constexpr std::uint64_t mebibyte = 1u << 20;
constexpr std::uint64_t large = store::large_body_bytes;

std::string text_of(std::uint64_t bytes, char letter) { return std::string(bytes, letter); }

/// Counts reads, and can hold the reading thread.
class counting_disk final : public testing::file_watcher {
 public:
  int before_read(const std::string&, int bytes, long long) override {
    std::unique_lock held{mutex_};
    read_bytes += static_cast<std::uint64_t>(bytes);
    if (hold_after_ && read_bytes >= *hold_after_) {
      is_held_ = true;
      changed_.notify_all();
      changed_.wait(held, [this] { return !hold_after_; });
    }
    return SQLITE_OK;
  }
  int before_write(const std::string&, std::string_view, long long) override { return SQLITE_OK; }
  int before_truncate(const std::string&, long long) override { return SQLITE_OK; }
  int before_sync(const std::string&) override { return SQLITE_OK; }
  int before_remove(const std::string&) override { return SQLITE_OK; }

  void hold_after(std::uint64_t bytes) {
    const std::lock_guard held{mutex_};
    hold_after_ = read_bytes + bytes;
  }
  void wait_until_held() {
    std::unique_lock held{mutex_};
    changed_.wait(held, [this] { return is_held_; });
  }
  void release() {
    const std::lock_guard held{mutex_};
    hold_after_.reset();
    changed_.notify_all();
  }

  std::uint64_t read_bytes{0};

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::uint64_t> hold_after_;
  bool is_held_{false};
};

void keep_jobs(const std::string& data_dir, const std::vector<std::uint64_t>& sizes) {
  store_desk desk{{.data_dir = data_dir}};
  store::batch_id batch = 0;
  for (std::size_t n = 0; n < sizes.size(); ++n) batch = desk.append(put_of(n + 1, text_of(sizes[n], 'x')));
  desk.until_durable(batch);
}

/// The error with which a recovery ends that leaves large bodies on disk.
std::string refusal_of_recovery(const std::string& data_dir) {
  store_desk desk{{.data_dir = data_dir}};
  desk.store->begin_recovery(
      {[](std::string_view) { return queue_id{1}; }, [](engine::kept_job&&) {}, [](const auto&) {}}, UINT64_MAX);
  for (;;) {
    const auto mark = desk.store->recover_slice(100, mebibyte);
    if (!mark) return mark.error().text;
    if (*mark) return {};
  }
}

}  // namespace

TEST_CASE("no slice of a recovery reads more of bodies than its limit and one that is not large") {
  scratch_directory scratch;
  keep_jobs(scratch.data_dir(), {large, 100, large + 1, 20 * mebibyte, large, 0, large, 30 * mebibyte, 100});
  counting_disk disk;
  testing::watched_vfs vfs{disk};
  store_desk desk{{.data_dir = scratch.data_dir()}, {.vfs = testing::watched_vfs::name}};
  std::vector<engine::kept_job> jobs;
  desk.store->begin_recovery({[](std::string_view) { return queue_id{1}; },
                              [&](engine::kept_job&& job) { jobs.push_back(std::move(job)); }, [](const auto&) {}},
                             UINT64_MAX);
  constexpr std::uint64_t slice_bytes = mebibyte / 2;
  constexpr std::uint64_t other_pages = mebibyte / 4;
  for (bool done = false; !done;) {
    const auto before = disk.read_bytes;
    done = desk.store->recover_slice(1'000, slice_bytes).value().has_value();
    CHECK(disk.read_bytes - before < slice_bytes + large + other_pages);
  }
  REQUIRE(jobs.size() == 9);
  const std::vector<std::uint64_t> left{3, 4, 8};
  for (const auto& job : jobs) {
    INFO("job " << job.job.value());
    const bool is_left = std::ranges::find(left, job.job.value()) != left.end();
    CHECK(job.bytes_on_disk.has_value() == is_left);
    CHECK(job.read_at_start == is_left);
  }
  CHECK(jobs[2].bytes_on_disk == large + 1);
  CHECK(jobs[4].request.content.size() == large);
}

TEST_CASE("large bodies count for the memory of bodies, and are to be read at the start as far as that goes") {
  scratch_directory scratch;
  keep_jobs(scratch.data_dir(), {100, 3 * mebibyte, 3 * mebibyte, 100});
  store_desk desk{{.data_dir = scratch.data_dir()}};
  const auto found = desk.recover(4 * mebibyte);
  REQUIRE(found.jobs.size() == 4);
  CHECK_FALSE(found.jobs[0].bytes_on_disk);
  CHECK(found.jobs[1].read_at_start);
  CHECK(found.jobs[2].bytes_on_disk == 3 * mebibyte);
  CHECK_FALSE(found.jobs[2].read_at_start);
  CHECK(found.jobs[3].bytes_on_disk == 100);
  CHECK_FALSE(found.jobs[3].read_at_start);
}

TEST_CASE("the large body of a buried job is left on disk as well") {
  scratch_directory scratch;
  keep_jobs(scratch.data_dir(), {3 * mebibyte, 100});
  run_sql(scratch.data_file(), "UPDATE job SET state = 2, burying = 1 WHERE id = 1");
  store_desk desk{{.data_dir = scratch.data_dir()}};
  const auto found = desk.recover();
  REQUIRE(found.jobs.size() == 2);
  CHECK(found.jobs[1].job == job_id{1});
  CHECK(found.jobs[1].bytes_on_disk == 3 * mebibyte);
  CHECK(found.jobs[1].read_at_start);
}

TEST_CASE("a large body that is no blob is named at the start") {
  scratch_directory scratch;
  keep_jobs(scratch.data_dir(), {100, 100});
  run_sql(scratch.data_file(), "UPDATE job SET body = printf('%2000000d', 1) WHERE id = 2");
  CHECK(refusal_of_recovery(scratch.data_dir()).find("row 2 of table job: its body is not a blob") !=
        std::string::npos);
  run_sql(scratch.data_file(), "UPDATE job SET body = 7 WHERE id = 2");
  CHECK(refusal_of_recovery(scratch.data_dir()).find("row 2 of table job: its body is not a blob") !=
        std::string::npos);
}

TEST_CASE("a large body that was changed on disk is not given out") {
  scratch_directory scratch;
  keep_jobs(scratch.data_dir(), {3 * mebibyte, 3 * mebibyte});
  run_sql(scratch.data_file(), "UPDATE job SET body = zeroblob(3 * 1048576) WHERE id = 1");
  store_desk desk{{.data_dir = scratch.data_dir()}};
  CHECK(desk.recover().jobs.size() == 2);
  std::array<std::optional<result<body>>, 3> read;
  desk.store->set_on_body_read([&](job_id job, result<body>&& content) { read.at(job.value()) = std::move(content); });
  const std::vector<job_id> asked{job_id{1}, job_id{2}};
  desk.store->read_bodies(asked);
  desk.until([&] { return read[1] && read[2]; });
  REQUIRE_FALSE(read[1]->has_value());
  CHECK(read[1]->error().code == errc::invalid);
  CHECK(read[1]->error().text == "row 1 of table job: its body differs from its checksum");
  REQUIRE(read[2]->has_value());
  CHECK((read[2]->value().view() == text_of(3 * mebibyte, 'x')));
}

TEST_CASE("the thread that reads bodies ends in the midst of a large one") {
  constexpr std::uint64_t body_bytes = 64 * mebibyte;
  scratch_directory scratch;
  keep_jobs(scratch.data_dir(), {body_bytes});
  counting_disk disk;
  testing::watched_vfs vfs{disk};
  store_desk desk{{.data_dir = scratch.data_dir()}, {.vfs = testing::watched_vfs::name}};
  loop::mailbox mail{desk.loop, [] {}};
  {
    store::body_reader reader{scratch.data_file(), testing::watched_vfs::name, {}, mail};
    disk.hold_after(mebibyte);
    const job_id job{1};
    reader.read({&job, 1});
    disk.wait_until_held();
    reader.end();
    disk.release();
  }
  CHECK(disk.read_bytes < body_bytes / 4);
  mail.close();
}
