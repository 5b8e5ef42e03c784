// The power fails at each operation on the files of a recorded run. Unsynced writes are dropped, kept, or torn. The
// recovered jobs must be those after one of the batches, and not before the last acknowledged one.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "store/desk.hpp"
#include "store/recorded_disk.hpp"
#include "store/short_life.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::gone_of;
using testing::put_of;
using testing::recorded_disk;
using testing::scratch_directory;
using testing::store_desk;

namespace {

using state = testing::jobs_on_disk;

/// Lets every operation happen: for opening the files after a power failure.
class any_disk final : public testing::file_watcher {
  int before_write(const std::string&, std::string_view, long long) override { return 0; }
  int before_truncate(const std::string&, long long) override { return 0; }
  int before_sync(const std::string&) override { return 0; }
  int before_remove(const std::string&) override { return 0; }
};

store::store_context watched() { return {.vfs = testing::watched_vfs::name, .limits = testing::small_files}; }

/// The time for checks; images that are not checked by then are left out. The variable sets another time.
seconds patience() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the environment never changes
  const char* const by_hand = std::getenv("MILLRACE_POWER_LOSS_SECONDS");
  return seconds{by_hand != nullptr ? std::atoi(by_hand) : 6};
}

/// Puts, releases and deletes jobs in three sessions of a program. The store copies its log, and cuts its files because
/// most jobs go. Returns the jobs after each batch of all sessions.
std::vector<state> record(recorded_disk& disk, const std::string& data_dir, std::mt19937_64& random) {
  testing::watched_vfs vfs{disk};
  std::vector<state> after_batch(1);
  state now;
  std::uint64_t last = 0;
  for (int session = 0; session < 3; ++session) {
    store_desk desk{{.data_dir = data_dir, .disk_reserve = 1u << 20}, watched()};
    desk.recover();
    const auto batches_before = after_batch.size() - 1;
    const auto acknowledge = [&] { disk.acknowledge(batches_before + desk.store->durable_up_to()); };
    desk.store->set_on_durable(acknowledge);
    for (int n = 0; n < 150; ++n) {
      const bool is_ebb = n % 75 > 45;
      store::batch_id batch = 0;
      const auto old = now.lower_bound(1 + random() % (last + 1));
      if (old == now.end() ? !is_ebb : !is_ebb && random() % 3 != 0) {
        batch = desk.append(put_of(++last, std::string(random() % 3'000, 'x')));
        now[last] = 0;
      } else if (old == now.end()) {
        continue;
      } else if (is_ebb || random() % 2 == 0) {
        batch = desk.append(gone_of(old->first));
        now.erase(old);
      } else {
        batch = desk.append(engine::job_moved{
            job_id{old->first}, queue_id{1}, engine::job_state::ready, 1, {}, {}, {.releases = ++old->second}, {}});
      }
      after_batch.resize(batches_before + batch + 1);
      after_batch.back() = now;
      if (random() % 8 == 0) desk.until_durable(batch);
    }
    desk.close();
  }
  return after_batch;
}

state what_is_left(const recorded_disk::image& image, std::mt19937_64& random) {
  scratch_directory scratch;
  std::filesystem::create_directory(scratch.data_dir());
  for (const auto& [name, bytes] : image.files) {
    std::ofstream{scratch.data_dir() + "/" + name, std::ios::binary} << bytes;
  }
  // Of the ballast, which is not SQLite's, anything may be left or nothing.
  if (random() % 2 == 0) {
    std::ofstream{scratch.data_dir() + "/" + store::ballast::file_name} << std::string(random() % 300'000, '\0');
  }
  any_disk disk;
  testing::watched_vfs vfs{disk};
  store_desk desk{{.data_dir = scratch.data_dir(), .disk_reserve = 1u << 20}, watched()};
  return testing::found_by(desk);
}

}  // namespace

TEST_CASE("whenever the power fails, what was called safe is there, and nothing comes back") {
  const auto begun = std::chrono::steady_clock::now();
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random{seed};
  recorded_disk disk;
  scratch_directory scratch;
  const auto after_batch = record(disk, scratch.data_dir(), random);
  CHECK(disk.cuts_of("millrace.db") > 0);  // by a copying, after free pages were given back

  std::vector<std::size_t> moments(disk.operations() + 1);
  std::iota(moments.begin(), moments.end(), std::size_t{0});
  std::shuffle(moments.begin(), moments.end(), random);
  std::size_t looked_at = 0;
  for (const auto moment : moments) {
    if (std::chrono::steady_clock::now() - begun > patience()) break;
    for (const auto fate : {recorded_disk::fate::dropped, recorded_disk::fate::kept, recorded_disk::fate::drawn}) {
      const auto image = disk.after(moment, fate, random);
      INFO("after operation " << moment << ", fate " << static_cast<int>(fate) << ", acknowledged batch "
                              << image.acknowledged);
      const auto found = what_is_left(image, random);
      const auto first = after_batch.begin() + static_cast<std::ptrdiff_t>(image.acknowledged);
      REQUIRE(std::find(first, after_batch.end(), found) != after_batch.end());
      ++looked_at;
    }
  }
  CHECK(looked_at > 0);
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the environment never changes
  if (std::getenv("MILLRACE_POWER_LOSS_SECONDS") != nullptr) {
    std::printf("%zu images of %zu moments, all as they should be; %zu batches, the data file cut %zu times\n",
                looked_at, moments.size(), after_batch.size() - 1, disk.cuts_of("millrace.db"));
  }
}
