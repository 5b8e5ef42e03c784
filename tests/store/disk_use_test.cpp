// Disk use follows live data.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "store/desk.hpp"
#include "store/queue_numbers.hpp"
#include "store/sqlite.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::gone_of;
using testing::put_of;
using testing::scratch_directory;
using testing::store_desk;

namespace {

constexpr std::uint64_t mebibyte = 1u << 20;

/// Keeps `change(n)` for each n below `count`, with the writer at work in between.
template <class Change>
void keep_many(store_desk& desk, std::uint64_t count, Change&& change) {
  for (std::uint64_t n = 0; n < count; ++n) {
    const auto batch = desk.append(change(n));
    if (n % 100 == 0) desk.loop.run_ready();
    if (desk.store->backlog_left() == 0) desk.until_durable(batch);
  }
  desk.until_durable(desk.store->reserve_ids(1));
}

engine::job_moved released(std::uint64_t id, std::uint32_t times) {
  return {job_id{id}, queue_id{1}, engine::job_state::ready, 1, {}, {}, {.releases = times}, {}};
}

}  // namespace

TEST_CASE("releasing the same 300 jobs again and again leaves disk use flat") {
  scratch_directory scratch;
  store_desk desk{{.data_dir = scratch.data_dir()}};
  keep_many(desk, 300, [](std::uint64_t n) { return put_of(n + 1, std::string(1'000, 'x')); });
  // By hand: a round is 300 releases.
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the environment never changes
  const char* const by_hand = std::getenv("MILLRACE_DISK_USE_ROUNDS");
  const auto rounds = by_hand != nullptr ? static_cast<std::uint32_t>(std::stoul(by_hand)) : 400;
  std::uint64_t most = 0;
  for (std::uint32_t round = 1; round <= rounds; ++round) {
    for (std::uint64_t id = 1; id < 300; ++id) desk.append(released(id, round));
    desk.until_durable(desk.append(released(300, round)));
    if (round % 10 == 0) most = std::max(most, scratch.bytes());
  }
  // 120,000 rows of 1 KB were written, or more; the log has its limit and the file its 300 jobs.
  CHECK(most < 24 * mebibyte);
  CHECK(scratch.bytes() < 24 * mebibyte);
  desk.close();
  if (by_hand != nullptr) {
    std::printf("%llu releases: at most %llu bytes on disk, %llu after the end\n", 300ull * rounds,
                static_cast<unsigned long long>(most), static_cast<unsigned long long>(scratch.bytes()));
  }
  CHECK(scratch.bytes() < mebibyte);
}

TEST_CASE("deleting most of a large backlog gives the space back while the store runs") {
  scratch_directory scratch;
  constexpr std::uint64_t jobs = 60'000;
  store_desk desk{{.data_dir = scratch.data_dir()}};
  keep_many(desk, jobs, [](std::uint64_t n) { return put_of(n + 1, std::string(1'000, 'x')); });
  REQUIRE(scratch.bytes() > jobs * 1'000);

  keep_many(desk, jobs - 100, [](std::uint64_t n) { return gone_of(n + 1); });

  // There are no further changes: the writer cuts the files by itself.
  desk.until([&] { return scratch.bytes() < 24 * mebibyte; });
  desk.until([&] { return desk.store->counts().bytes < 24 * mebibyte; });
  desk.close();
  CHECK(scratch.bytes() < 4 * mebibyte);
}

TEST_CASE("who reads while the files are to be cut holds that up, and no longer than the reading lasts") {
  scratch_directory scratch;
  std::atomic<int> looks{0};  // of the writer at the free space, one for each round
  store_desk desk{{.data_dir = scratch.data_dir()}, {.free_bytes = [&looks](const std::string& path) {
                    ++looks;
                    return store::free_bytes_of(path);
                  }}};
  const auto log_bytes = [&] { return std::filesystem::file_size(scratch.data_file() + "-wal"); };
  keep_many(desk, 20'000, [](std::uint64_t n) { return put_of(n + 1, std::string(1'000, 'x')); });
  auto reading = store::sqlite::connection::open(scratch.data_file(), store::sqlite::open_as::read_only, nullptr);
  REQUIRE(reading->run("BEGIN; SELECT count(*) FROM queue"));
  keep_many(desk, 19'900, [](std::uint64_t n) { return gone_of(n + 1); });
  // The writer gives all free pages back, but the log keeps their content while a connection reads the old state.
  desk.until([&] { return desk.store->counts().bytes < log_bytes() + 4 * mebibyte; });
  const int given_back = looks;
  desk.until([&] { return looks > given_back + 1; });
  CHECK(log_bytes() > mebibyte);

  REQUIRE(reading->run("COMMIT"));
  desk.until([&] { return scratch.bytes() < 4 * mebibyte; });
}

TEST_CASE("how large the files are is known before anything is written") {
  scratch_directory scratch;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    keep_many(desk, 1'000, [](std::uint64_t n) { return put_of(n + 1, std::string(1'000, 'x')); });
  }
  store_desk again{{.data_dir = scratch.data_dir()}};
  CHECK(again.store->counts().bytes > mebibyte);
}

TEST_CASE("a queue of jobs that come and go stays as large as what stands in it") {
  scratch_directory scratch;
  constexpr std::uint64_t standing = 5'000;
  store_desk desk{{.data_dir = scratch.data_dir()}};
  keep_many(desk, 100'000, [&](std::uint64_t n) -> engine::change {
    const auto id = n / 2 + 1;
    if (n % 2 == 0) return put_of(id, std::string(1'000, 'x'));
    return id > standing ? engine::change{gone_of(id - standing)} : engine::change{released(id, 1)};
  });
  CHECK(scratch.bytes() < standing * 1'000 + 48 * mebibyte);
  desk.close();
  CHECK(scratch.bytes() < standing * 1'000 * 3 / 2 + 5 * mebibyte);
}

TEST_CASE("queues that come and go leave no rows behind") {
  scratch_directory scratch;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    for (std::uint32_t queue = 1; queue <= 30'000; ++queue) {
      desk.append(put_of(queue, "x", queue_id{queue}));
      const auto batch = desk.append(gone_of(queue, queue_id{queue}));
      if (queue % 1'000 == 0) desk.until_durable(batch);
    }
    desk.append(put_of(30'001, "x", queue_id{30'001}));
  }
  store_desk again{{.data_dir = scratch.data_dir()}};
  std::uint64_t asked = 0;
  const auto mark = testing::recover(*again.store, {[&](std::string_view) {
                                                      ++asked;
                                                      return queue_id{1};
                                                    },
                                                    [](engine::kept_job&&) {}, [](const store::recovered_pause&) {}});
  CHECK(mark.value() == 30'001);
  CHECK(asked == 1);
}

TEST_CASE("queues that come and go within one batch leave no rows behind either") {
  scratch_directory scratch;
  store_desk desk{{.data_dir = scratch.data_dir()}};
  for (std::uint32_t queue = 1; queue <= 30'000; ++queue) {
    desk.append(put_of(queue, "x", queue_id{queue}));
    desk.append(gone_of(queue, queue_id{queue}));
  }
  desk.until_durable(desk.append(put_of(30'001, "x", queue_id{30'001})));
  desk.close();
  auto file = store::sqlite::connection::open(scratch.data_file(), store::sqlite::open_as::read_only, nullptr);
  const auto rows = file.value().number("SELECT count(*) FROM queue");
  CHECK(rows.value() <= static_cast<std::int64_t>(store::queue_numbers::idle_most) + 2);
}
