// Bodies of jobs back from disk, through the store whose thread reads them.
#include "store/body_reader.hpp"

#include <sqlite3.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "store/desk.hpp"
#include "store/watched_vfs.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::gone_of;
using testing::put_of;
using testing::scratch_directory;
using testing::store_desk;

namespace {

constexpr std::size_t kibibyte = 1024;
constexpr std::size_t mebibyte = 1024 * kibibyte;

/// Requests bodies and keeps the answers.
class body_requests {
 public:
  explicit body_requests(store_desk& of) : desk_{of} {
    desk_.store->set_on_body_read([this](job_id job, result<body>&& content) {
      CHECK_FALSE(is_requesting_);
      answers.push_back({job, std::move(content)});
    });
  }
  void request(const std::vector<job_id>& jobs) {
    is_requesting_ = true;
    desk_.store->read_bodies(jobs);
    is_requesting_ = false;
    requested_ += jobs.size();
  }
  void wait_for_all() {
    desk_.until([&] { return answers.size() == requested_; });
  }
  const std::vector<store::body_found>& answers_to(const std::vector<job_id>& jobs) {
    answers.clear();
    requested_ = 0;
    request(jobs);
    wait_for_all();
    return answers;
  }

  std::vector<store::body_found> answers;

 private:
  store_desk& desk_;
  std::size_t requested_{0};
  bool is_requesting_{false};
};

/// A different body for each job.
std::string text_of(std::uint64_t id, std::size_t bytes) {
  std::string text = std::to_string(id) + " ";
  std::minstd_rand random{static_cast<std::uint32_t>(id)};
  while (text.size() < bytes) text.push_back(static_cast<char>(random()));
  return text;
}

/// Puts jobs with the ids 1 to `count`, and waits until they are durable.
void put_all(store_desk& desk, std::uint64_t count, std::size_t body_bytes) {
  store::batch_id batch = 0;
  for (std::uint64_t id = 1; id <= count; ++id) batch = desk.append(put_of(id, text_of(id, body_bytes)));
  desk.until_durable(batch);
}

std::vector<job_id> ids(std::uint64_t from, std::uint64_t to) {
  std::vector<job_id> all;
  for (; from <= to; ++from) all.emplace_back(from);
  return all;
}

/// Reads that fail, of threads other than those that write.
class unreadable_disk final : public testing::file_watcher {
 public:
  int before_read(const std::string&, int bytes, long long) override {
    read_bytes += bytes;
    const std::lock_guard held{mutex_};
    if (failures_left_ == 0 || writers_.contains(std::this_thread::get_id())) return SQLITE_OK;
    --failures_left_;
    return SQLITE_IOERR_READ;
  }
  int before_write(const std::string&, std::string_view, long long) override {
    const std::lock_guard held{mutex_};
    writers_.insert(std::this_thread::get_id());
    return SQLITE_OK;
  }
  int before_truncate(const std::string&, long long) override { return SQLITE_OK; }
  int before_sync(const std::string&) override { return SQLITE_OK; }
  int before_remove(const std::string&) override { return SQLITE_OK; }

  void fail(int reads) {
    const std::lock_guard held{mutex_};
    failures_left_ = reads;
  }
  std::atomic<long long> read_bytes{0};

 private:
  std::mutex mutex_;
  std::set<std::thread::id> writers_;
  int failures_left_{0};
};

}  // namespace

TEST_CASE("bodies that are safe can be had back, those of deleted jobs are not found") {
  constexpr std::uint64_t jobs = 5'000;
  scratch_directory scratch;
  store_desk desk{{.data_dir = scratch.data_dir()}};
  CHECK(desk.store->reads_bodies());
  body_requests bodies{desk};
  store::batch_id batch = 0;
  for (std::uint64_t id = 1; id <= jobs; ++id) batch = desk.append(put_of(id, text_of(id, id % 300)));
  desk.until_durable(batch);
  for (std::uint64_t id = 3; id <= jobs; id += 3) batch = desk.append(gone_of(id));
  desk.until_durable(batch);
  auto all = ids(1, jobs);
  std::shuffle(all.begin(), all.end(), std::minstd_rand{1});

  std::set<job_id> found;
  for (const auto& [job, content] : bodies.answers_to(all)) {
    INFO("job " << job.value());
    CHECK(found.insert(job).second);
    if (job.value() % 3 == 0) {
      REQUIRE_FALSE(content.has_value());
      CHECK(content.error().code == errc::not_found);
    } else {
      REQUIRE(content.has_value());
      CHECK(content->view() == text_of(job.value(), job.value() % 300));
    }
  }
  CHECK(found.size() == jobs);
  CHECK(desk.store->counts().errors.value() == 0);
}

TEST_CASE("large bodies, empty ones, and one that is asked for twice") {
  scratch_directory scratch;
  store_desk desk{{.data_dir = scratch.data_dir()}};
  body_requests bodies{desk};
  for (std::uint64_t id = 1; id <= 4; ++id) desk.append(put_of(id, text_of(id, mebibyte)));
  desk.until_durable(desk.append(put_of(5, "")));

  std::map<std::uint64_t, int> times;
  for (const auto& [job, content] : bodies.answers_to({job_id{5}, job_id{2}, job_id{4}, job_id{2}, job_id{1}})) {
    ++times[job.value()];
    REQUIRE(content.has_value());
    CHECK(content->view() == (job == job_id{5} ? "" : text_of(job.value(), mebibyte)));
  }
  CHECK(times == std::map<std::uint64_t, int>{{1, 1}, {2, 2}, {4, 1}, {5, 1}});
}

TEST_CASE("bodies are read while others are committed and the log is copied beneath them") {
  constexpr std::uint64_t together = 256;
  constexpr std::uint64_t standing = 4 * together;
  scratch_directory scratch;
  store_desk desk{{.data_dir = scratch.data_dir()}};
  body_requests bodies{desk};
  std::uint64_t last = 0;
  std::uint64_t asked = 0;
  for (int round = 0; round < 40; ++round) {
    const std::uint64_t safe = last;
    store::batch_id batch = 0;
    for (std::uint64_t n = 0; n < together; ++n) {
      ++last;
      batch = desk.append(put_of(last, text_of(last, 2 * kibibyte)));
      if (last > standing) batch = desk.append(gone_of(last - standing));
    }
    // All of them, also those that are being deleted, in pieces that come while the batch is written.
    for (std::uint64_t id = safe - std::min(safe, standing) + 1; id <= safe; id += 100) {
      const auto some = ids(id, std::min(safe, id + 99));
      bodies.request(some);
      asked += some.size();
      desk.loop.run_ready();
    }
    desk.until_durable(batch);
    // All requested bodies were stored until the batch of this round, so a slow reader must find them, too.
    bodies.wait_for_all();
  }
  CHECK(bodies.answers.size() == asked);
  std::size_t wrong = 0;
  std::size_t there = 0;
  for (const auto& [job, content] : bodies.answers) {
    if (content) {
      ++there;
      wrong += content->view() == text_of(job.value(), 2 * kibibyte) ? 0 : 1;
    } else {
      wrong += content.error().code == errc::not_found && job.value() <= last - standing ? 0 : 1;
    }
  }
  CHECK(wrong == 0);
  CHECK(there >= asked / 4 * 3);
  CHECK(desk.store->failure().empty());
  CHECK(std::filesystem::file_size(scratch.data_file()) > mebibyte);  // it was copied
}

TEST_CASE("a reader that has nothing to do lets the log begin anew") {
  scratch_directory scratch;
  store_desk desk{{.data_dir = scratch.data_dir()}};
  body_requests bodies{desk};
  std::uintmax_t log_bytes = 0;
  for (std::uint64_t id = 1; id <= 60; ++id) {
    desk.until_durable(desk.append(put_of(id, text_of(id, mebibyte))));
    REQUIRE(bodies.answers_to({job_id{id}})[0].content.has_value());
    log_bytes = std::max(log_bytes, std::filesystem::file_size(scratch.data_file() + "-wal"));
  }
  CHECK(log_bytes < 40 * mebibyte);
}

TEST_CASE("a body is read again after the disk failed once") {
  const bool is_first = GENERATE(true, false);
  INFO((is_first ? "the first that is read" : "a later one"));
  scratch_directory scratch;
  unreadable_disk disk;
  testing::watched_vfs vfs{disk};
  store_desk desk{{.data_dir = scratch.data_dir()}, {.vfs = testing::watched_vfs::name}};
  body_requests bodies{desk};
  put_all(desk, 10, 100 * kibibyte);
  if (!is_first) REQUIRE(bodies.answers_to({job_id{10}})[0].content.has_value());

  disk.fail(1);
  for (const auto& [job, content] : bodies.answers_to({job_id{3}, job_id{1}, job_id{2}})) {
    INFO("job " << job.value());
    REQUIRE(content.has_value());
    CHECK(content->view() == text_of(job.value(), 100 * kibibyte));
  }
  CHECK(desk.store->counts().errors.value() == 0);
}

TEST_CASE("a body that cannot be read is an error of that body, and the next ones come") {
  scratch_directory scratch;
  unreadable_disk disk;
  testing::watched_vfs vfs{disk};
  store_desk desk{{.data_dir = scratch.data_dir()}, {.vfs = testing::watched_vfs::name}};
  body_requests bodies{desk};
  put_all(desk, 10, 100 * kibibyte);

  disk.fail(1'000'000);
  for (const auto& [job, content] : bodies.answers_to(ids(4, 6))) {
    REQUIRE_FALSE(content.has_value());
    CHECK(content.error().code == errc::io);
    CHECK(content.error().text.find("disk I/O error") == 0);
  }
  CHECK(desk.store->counts().errors.value() == 3);
  disk.fail(0);
  for (const auto& [job, content] : bodies.answers_to(ids(1, 10))) CHECK(content.has_value());
  CHECK(desk.store->counts().errors.value() == 3);
  CHECK(desk.store->failure().empty());
}

TEST_CASE("bodies are read where no file can be opened any more") {
  scratch_directory scratch;
  store_desk desk{{.data_dir = scratch.data_dir(), .memory_limit = 1u << 30}};
  body_requests bodies{desk};
  desk.until_durable(desk.append(put_of(1, text_of(1, 100 * kibibyte))));
  rlimit files{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = files.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  bodies.answers_to({job_id{1}, job_id{2}});
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &files) == 0);
  for (const auto& [job, content] : bodies.answers) {
    CHECK(content.has_value() == (job == job_id{1}));
    if (!content) CHECK(content.error().code == errc::not_found);
  }
}

TEST_CASE("a store that ends while bodies are being read answers no further request, and commits the open batch") {
  const bool with_close = GENERATE(true, false);
  scratch_directory scratch;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    body_requests bodies{desk};
    put_all(desk, 500, 20 * kibibyte);
    bodies.request(ids(1, 500));
    desk.append(put_of(501, "the last one"));
    if (with_close) {
      desk.close();
    } else {
      desk.store.reset();
    }
    CHECK(bodies.answers.size() <= 500);
    const auto answered = bodies.answers.size();
    desk.loop.run_ready();
    CHECK(bodies.answers.size() == answered);
  }
  store_desk again{{.data_dir = scratch.data_dir()}};
  CHECK(again.recover().jobs.size() >= (with_close ? 501 : 500));
}

TEST_CASE("long bodies that are left on disk at the start are not read") {
  scratch_directory scratch;
  unreadable_disk disk;
  testing::watched_vfs vfs{disk};
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    for (std::uint64_t id = 1; id <= 30; ++id) desk.append(put_of(id, text_of(id, mebibyte)));
  }
  store_desk again{{.data_dir = scratch.data_dir()}, {.vfs = testing::watched_vfs::name}};
  const auto found = again.recover(0);
  CHECK(disk.read_bytes < static_cast<long long>(3 * mebibyte));
  REQUIRE(found.jobs.size() == 30);
  for (const auto& job : found.jobs) CHECK(job.bytes_on_disk == mebibyte);
  body_requests bodies{again};
  for (const auto& [job, content] : bodies.answers_to(ids(1, 30)))
    CHECK(content->view() == text_of(job.value(), mebibyte));
}
