// The durable store: how many jobs a second live and die with their changes on disk before they are reported, and how
// fast they come back at the start. The directory is made under TMPDIR, which should be on the disk to be measured.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/loop/event_loop.hpp>

#include "loop/task_scope.hpp"
#include "store/sqlite_store.hpp"

using namespace millrace;

namespace {

constexpr queue_id only_queue{1};

loop::awaitable<> close_store(store::sqlite_store& opened) { co_await opened.close(); }

/// A store in a directory that it leaves behind for the next one.
struct store_fixture {
  explicit store_fixture(const std::string& data_dir)
      : sqlite{store::sqlite_store::open(loop, {.data_dir = data_dir}, [](queue_id) {
                 return std::string_view{"queue"};
               }).value()} {}
  ~store_fixture() {
    tasks.spawn("close", close_store(*sqlite));
    loop.run();
  }

  std::uint64_t recover(std::uint64_t body_bytes_max) {
    std::uint64_t jobs = 0;
    sqlite->begin_recovery(
        {[](std::string_view) { return only_queue; }, [&](engine::kept_job&&) { ++jobs; }, [](const auto&) {}},
        body_bytes_max);
    while (!sqlite->recover_slice(4'096, 16u << 20).value()) {
    }
    return jobs;
  }
  void wait_for(store::batch_id batch) {
    while (sqlite->durable_up_to() < batch) {
      if (loop.run_ready() == 0) loop.context().run_one();
    }
  }

  loop::event_loop loop;
  loop::task_scope tasks{loop};
  std::unique_ptr<store::sqlite_store> sqlite;
};

struct directory {
  directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "millrace-bench-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~directory() { std::filesystem::remove_all(path); }
  std::string path;
};

engine::job_put put_of(std::uint64_t id, const std::string& text) {
  return {job_id{id}, only_queue, engine::job_state::ready, {.content = body{text}}, instant{seconds{1}}, {}, {}};
}

/// Each batch puts so many jobs and deletes as many older ones; the next one gathers while it is committed. `standing`
/// jobs lie there all the time.
void lifecycles(benchmark::State& state) {
  const auto together = static_cast<std::uint64_t>(state.range(0));
  const std::string text(static_cast<std::size_t>(state.range(1)), 'x');
  const auto standing = static_cast<std::uint64_t>(state.range(2));
  directory data;
  store_fixture store{data.path};
  engine::change_set changes;
  std::uint64_t last = 0;
  std::uint64_t oldest = 0;
  store::batch_id batch = 0;
  while (last < standing) {
    for (int n = 0; n < 1'000; ++n) changes.emplace_back(put_of(++last, text));
    batch = store.sqlite->append(changes);
    if (store.sqlite->backlog_left() == 0) store.wait_for(batch);
  }
  store.wait_for(batch);
  store::batch_id before = 0;
  for (auto _ : state) {
    for (std::uint64_t n = 0; n < together; ++n) {
      changes.emplace_back(put_of(++last, text));
      batch = store.sqlite->append(changes);
      if (last > standing + 2 * together) {  // no job is put and deleted in one batch, which would cost nothing
        changes.emplace_back(engine::job_gone{job_id{++oldest}, only_queue});
        batch = store.sqlite->append(changes);
      }
    }
    store.loop.run_ready();
    store.wait_for(before);
    before = batch;
  }
  store.wait_for(batch);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(together));
  const auto& counts = store.sqlite->counts();
  state.counters["commit_p50_us"] = in_seconds(counts.commit.quantile(0.5)) * 1e6;
  state.counters["commit_p99_us"] = in_seconds(counts.commit.quantile(0.99)) * 1e6;
  state.counters["jobs_a_commit"] =
      static_cast<double>(counts.commit_jobs.sum()) / static_cast<double>(counts.commit_jobs.count());
}
BENCHMARK(lifecycles)
    ->ArgNames({"batch", "bytes", "standing"})
    ->Args({1, 64, 0})
    ->Args({64, 64, 0})
    ->Args({256, 64, 0})
    ->Args({256, 64, 1'000'000})
    ->Args({2'048, 64, 0})
    ->Args({64, 4'096, 0})
    ->Args({512, 4'096, 0})
    ->UseRealTime();

/// So many jobs of so many bytes, on disk and nowhere else.
void fill(const directory& data, std::uint64_t jobs, std::size_t bytes) {
  const std::string text(bytes, 'x');
  store_fixture store{data.path};
  engine::change_set changes;
  for (std::uint64_t id = 1; id <= jobs; ++id) {
    changes.emplace_back(put_of(id, text));
    const auto batch = store.sqlite->append(changes);
    if (store.sqlite->backlog_left() == 0) store.wait_for(batch);
  }
}

/// Starting up on so many jobs, file in the page cache; without `bodies` they are left on disk.
void recovery(benchmark::State& state) {
  directory data;
  fill(data, static_cast<std::uint64_t>(state.range(0)), static_cast<std::size_t>(state.range(1)));
  const std::uint64_t body_bytes_max = state.range(2) != 0 ? UINT64_MAX : 0;
  std::uint64_t found = 0;
  for (auto _ : state) found += store_fixture{data.path}.recover(body_bytes_max);
  state.SetItemsProcessed(static_cast<std::int64_t>(found));
}
BENCHMARK(recovery)
    ->ArgNames({"jobs", "bytes", "bodies"})
    ->Args({1'000'000, 64, 1})
    ->Args({200'000, 1'024, 1})
    ->Args({1'000'000, 1'024, 0})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

/// Bodies read back, so many at a time, file in the page cache: as neighbours, or each from anywhere.
void bodies(benchmark::State& state) {
  const auto jobs = static_cast<std::uint64_t>(state.range(0));
  const bool scattered = state.range(3) != 0;
  directory data;
  fill(data, jobs, static_cast<std::size_t>(state.range(1)));
  store_fixture store{data.path};
  std::size_t bodies_read = 0;
  store.sqlite->set_on_body_read([&](job_id, result<body>&& content) { bodies_read += content ? 1 : 0; });
  std::vector<job_id> asked(static_cast<std::size_t>(state.range(2)));
  std::mt19937_64 random;
  std::uint64_t last = 0;
  for (auto _ : state) {
    for (job_id& one : asked) one = job_id{(scattered ? random() : last++) % jobs + 1};
    bodies_read = 0;
    store.sqlite->read_bodies(asked);
    while (bodies_read < asked.size()) {
      if (store.loop.run_ready() == 0) store.loop.context().run_one();
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(2));
}
BENCHMARK(bodies)
    ->ArgNames({"jobs", "bytes", "at_once", "scattered"})
    ->Args({1'000'000, 1'024, 256, 0})
    ->Args({1'000'000, 1'024, 256, 1})
    ->Iterations(2'000)  // so that it is filled once
    ->UseRealTime();

}  // namespace
