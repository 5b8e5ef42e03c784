// Other connections hold locks of the data file: operations that need a lock wait, and none fails.
#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "store/data_files.hpp"
#include "store/watched_vfs.hpp"
#include "support/catch.hpp"
#include "support/taken_log.hpp"

using namespace millrace;
using testing::gone_of;
using testing::put_of;
using testing::scratch_directory;
using testing::store_desk;

namespace {

/// A connection of another program.
class stranger {
 public:
  explicit stranger(const std::string& file) {
    REQUIRE(sqlite3_open(file.c_str(), &db_) == SQLITE_OK);
    sqlite3_busy_timeout(db_, 60'000);
  }
  ~stranger() { sqlite3_close(db_); }
  stranger(const stranger&) = delete;
  stranger& operator=(const stranger&) = delete;
  int run(const char* sql) { return sqlite3_exec(db_, sql, nullptr, nullptr, nullptr); }

 private:
  sqlite3* db_{nullptr};
};

/// Makes SQLite hold locks of the log's index longer, on every thread but its own.
class slow_locks final : public testing::file_watcher {
 public:
  int before_write(const std::string&, std::string_view, long long) override { return SQLITE_OK; }
  int before_truncate(const std::string&, long long) override { return SQLITE_OK; }
  int before_sync(const std::string&) override { return SQLITE_OK; }
  int before_remove(const std::string&) override { return SQLITE_OK; }
  void locked(index_lock lock) override {
    if (static_cast<int>(lock) > static_cast<int>(index_lock::recover)) return;
    ++taken;
    std::this_thread::sleep_for(stretch.load());
  }
  std::atomic<int> taken{0};
  std::atomic<std::chrono::microseconds> stretch{std::chrono::microseconds{0}};
};

store::store_context quick_to_log() {
  store::store_context context;
  context.lock_limits = {.log_after = milliseconds{1}, .log_every = milliseconds{1}};
  return context;
}

}  // namespace

TEST_CASE("a commit waits while another connection holds the lock of writers, and goes through when that ends") {
  const char* const begin = GENERATE("BEGIN IMMEDIATE", "BEGIN EXCLUSIVE");
  INFO(begin);
  testing::taken_log waits{{}};
  scratch_directory scratch;
  store_desk desk{{.data_dir = scratch.data_dir()}, quick_to_log()};
  desk.until_durable(desk.append(put_of(1, "before")));
  stranger other{scratch.data_file()};
  REQUIRE(other.run(begin) == SQLITE_OK);
  const auto batch = desk.append(put_of(2, "meanwhile"));
  // The writer was refused many times: it logs at most once in a millisecond while it waits.
  desk.loop.run_ready();
  waits.wait_for("store_locked", 5);
  desk.loop.run_ready();
  CHECK(desk.store->durable_up_to() < batch);
  CHECK(desk.store->failure().empty());
  REQUIRE(other.run("COMMIT") == SQLITE_OK);
  desk.until_durable(batch);
  CHECK(desk.store->durable_up_to() == batch);
  CHECK(desk.store->failure().empty());
  CHECK(desk.store->counts().errors.value() == 0);
}

TEST_CASE("a store that ends while its lock is held by another gives up in time, and says what it could not do") {
  scratch_directory scratch;
  store_desk desk{{.data_dir = scratch.data_dir()}};
  desk.until_durable(desk.append(put_of(1, "before")));
  stranger other{scratch.data_file()};
  REQUIRE(other.run("BEGIN IMMEDIATE") == SQLITE_OK);
  std::string failure;
  desk.append(put_of(2, "never written"));
  desk.store->set_on_durable([&] { failure = desk.store->failure(); });
  desk.close();
  CHECK(failure.find("database is locked") != std::string::npos);
  REQUIRE(other.run("COMMIT") == SQLITE_OK);
  store_desk again{{.data_dir = scratch.data_dir()}};
  CHECK(again.recover().jobs.size() == 1);
}

TEST_CASE("an operator's checkpoints, vacuums, long readers and writers in a loop disturb no commit") {
  scratch_directory scratch;
  store::store_context context = quick_to_log();
  context.limits = {.log_pages = 24, .free_pages_most = 8, .free_pages_kept = 2};
  store_desk desk{{.data_dir = scratch.data_dir()}, context};
  desk.until_durable(desk.append(put_of(1, "the first")));
  std::atomic<bool> done{false};
  std::atomic<int> rounds{0};
  std::vector<std::thread> operators;
  for (const char* const sql : {"PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "BEGIN EXCLUSIVE; COMMIT",
                                "SELECT count(*), sum(length(body)) FROM job", "PRAGMA wal_checkpoint(RESTART)"}) {
    operators.emplace_back([&, sql] {
      while (!done) {
        // A connection of its own each time: the first one that reads may have to make the index anew.
        sqlite3* db = nullptr;
        sqlite3_open(scratch.data_file().c_str(), &db);
        sqlite3_busy_timeout(db, 1'000);
        sqlite3_exec(db, sql, nullptr, nullptr, nullptr);
        sqlite3_close(db);
        ++rounds;
      }
    });
  }
  std::uint64_t id = 1;
  for (int n = 0; n < 40 || rounds < 50; ++n) {
    for (int put = 0; put < 5; ++put) desk.append(put_of(++id, std::string(3'000, 'x')));
    const auto batch = id > 60 ? desk.append(gone_of(id - 50)) : desk.append(put_of(++id, "last"));
    desk.until_durable(batch);
    if (!desk.store->failure().empty()) break;
  }
  done = true;
  for (auto& thread : operators) thread.join();
  CHECK(desk.store->failure().empty());
}

TEST_CASE("the moments in which a connection holds a lock of the index, each of them stretched, are no failure") {
  scratch_directory scratch;
  slow_locks disk;
  testing::watched_vfs vfs{disk};
  store::store_context context{.vfs = testing::watched_vfs::name};
  context.limits.log_pages = 24;
  store_desk desk{{.data_dir = scratch.data_dir()}, context};
  std::size_t answers = 0;
  std::size_t unread = 0;
  desk.store->set_on_body_read([&](job_id, result<body>&& found) {
    ++answers;
    unread += found || found.error().code == errc::not_found ? 0 : 1;
  });
  desk.until_durable(desk.append(put_of(1, "the first")));
  disk.stretch = std::chrono::microseconds{3'000};
  std::size_t requests = 0;
  for (std::uint64_t id = 2; id <= 60; ++id) {
    const auto batch = desk.append(put_of(id, std::string(2'000, 'x')));
    const std::vector<job_id> before{job_id{id - 1}, job_id{1}};
    desk.store->read_bodies(before);
    requests += before.size();
    desk.until_durable(batch);
  }
  desk.until([&] { return answers == requests; });
  CHECK(disk.taken > 0);
  CHECK(unread == 0);
  CHECK(desk.store->failure().empty());
}
