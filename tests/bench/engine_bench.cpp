// The engine alone: what a job's life costs in time with many jobs and queues, and what a job and a queue cost in
// memory.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.hpp"

using namespace millrace;

namespace {

const std::string text(64, 'x');

engine::engine_options options_for(std::size_t queues) {
  return {.queues_max = static_cast<std::uint32_t>(queues + 1)};
}

engine::queue_options boundless() { return {.max_jobs = 1'000'000'000, .max_bytes = std::uint64_t{1} << 40}; }

/// An engine with so many ready jobs spread over so many queues, each with a session of its own that uses and watches
/// it.
struct mill {
  mill(std::size_t jobs, std::size_t queues) : queue_engine{options_for(queues)} {
    queue_engine.set_queue_defaults(boundless());
    for (std::size_t n = 0; n < queues; ++n) {
      const auto session = queue_engine.open_session();
      const auto name = "queue-" + std::to_string(n);
      uses.push_back(queue_engine.use(session, name).value());
      queue_engine.watch(session, name).value();
      sessions.push_back(session);
    }
    for (std::size_t n = 0; n < jobs; ++n) put(n % queues);
  }

  void put(std::size_t n) { queue_engine.put(sessions[n], uses[n], {.content = body{text}}, now); }

  void cycle(std::size_t n) {
    now += microseconds{1};
    put(n);
    const auto got = queue_engine.reserve(sessions[n], engine::lease::ttr, now, now);
    benchmark::DoNotOptimize(queue_engine.finish(sessions[n], {.job = got.job.job}, now));
  }

  engine::engine queue_engine;
  instant now{seconds{1}};
  std::vector<session_id> sessions;
  std::vector<queue_id> uses;
};

/// One job put, one reserved, one finished; the queues in use take turns in an order that no prefetcher guesses.
void cycle(benchmark::State& state) {
  const auto jobs = static_cast<std::size_t>(state.range(0));
  const auto queues = static_cast<std::size_t>(state.range(1));
  const auto in_use = static_cast<std::size_t>(state.range(2));
  mill all{jobs, queues};
  std::uint64_t random = 1;
  for (auto _ : state) {
    random = random * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
    all.cycle((random >> 33) % in_use * (queues / in_use));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(cycle)
    ->ArgNames({"jobs", "queues", "in_use"})
    ->Args({1'000, 1, 1})
    ->Args({1'000'000, 1, 1})
    ->Args({10'000'000, 1, 1})
    ->Args({1'000, 64, 64})
    ->Args({1'000'000, 100'000, 64})
    ->Args({10'000'000, 100'000, 64})
    ->Args({1'000'000, 1'000, 1'000})
    ->Args({1'000'000, 100'000, 100'000});

/// The queue `queue-0` with 1,000 ready jobs. On disk: the changes are collected as for a store, and forgotten.
struct feature_mill : mill {
  explicit feature_mill(bool on_disk, const engine::queue_options& options = {}) : mill{1'000, 1} {
    queue_engine.collect_changes(on_disk);
    auto all = options;
    all.max_jobs = boundless().max_jobs;
    all.max_bytes = boundless().max_bytes;
    all.durability = on_disk ? engine::durability::sync : engine::durability::memory;
    queue_engine.declare("queue-0", all).value();
  }

  /// One job is put, and one is reserved and finished. In `group`: the put joins it.
  void cycle_in(engine::group_id group, std::string&& result) {
    now += microseconds{1};
    queue_engine.put(sessions[0], uses[0], {.content = body{text}, .group = group}, now);
    const auto got = queue_engine.reserve(sessions[0], engine::lease::ttr, now, now);
    benchmark::DoNotOptimize(
        queue_engine.finish(sessions[0], {.job = got.job.job, .result_text = std::move(result)}, now));
    forget_changes();
  }

  /// As a store does with a batch.
  void forget_changes() {
    if (++commands % 64 == 0) queue_engine.take_changes(changes);
  }

  std::uint64_t commands{0};
  engine::change_set changes;
};

/// What the features of the following rows are compared with.
void cycle_plain(benchmark::State& state) {
  feature_mill all{state.range(0) != 0};
  for (auto _ : state) all.cycle_in({}, {});
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(cycle_plain)->ArgName("disk")->Arg(0)->Arg(1);

/// Half of the jobs fail once, and wait a millisecond. An iteration is an attempt, of which two in three put a job.
void cycle_retry(benchmark::State& state) {
  const engine::retry_options retry{.attempts = 3, .first = milliseconds{1}};
  feature_mill all{state.range(0) != 0, {.retry = retry}};
  std::uint64_t jobs = 0;
  for (auto _ : state) {
    all.now += microseconds{1};
    if (all.commands % 3 != 0) {
      all.put(0);
      ++jobs;
    }
    const auto got = all.queue_engine.reserve(all.sessions[0], engine::lease::ttr, all.now, all.now);
    const bool fails = got.job.reserves == 1 && got.job.job.value() % 2 == 0;
    const auto result = fails ? engine::outcome::failed : engine::outcome::ok;
    benchmark::DoNotOptimize(all.queue_engine.finish(all.sessions[0], {.job = got.job.job, .result = result}, all.now));
    all.forget_changes();
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["jobs/s"] = benchmark::Counter(static_cast<double>(jobs), benchmark::Counter::kIsRate);
}
BENCHMARK(cycle_retry)->ArgName("disk")->Arg(0)->Arg(1);

/// On disk, each hand-out is a change.
void cycle_deliveries_max(benchmark::State& state) {
  feature_mill all{state.range(0) != 0, {.deliveries_max = 3}};
  for (auto _ : state) all.cycle_in({}, {});
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(cycle_deliveries_max)->ArgName("disk")->Arg(0)->Arg(1);

/// Jobs are put in groups of 100, whose outcomes are jobs that are reserved and finished, too.
void cycle_groups(benchmark::State& state) {
  constexpr std::uint64_t members = 100;
  feature_mill all{state.range(0) != 0};
  const auto reader = all.queue_engine.open_session();
  all.queue_engine.watch(reader, "outcomes").value();
  engine::group_id group{};
  std::uint64_t jobs = 0;
  for (auto _ : state) {
    if (jobs++ % members == 0) {
      if (group) all.queue_engine.close_group(group, all.now);
      group = all.queue_engine.open_group({.name = "batch", .outcome_queue = "outcomes"}, all.now).value();
      const auto got = all.queue_engine.reserve(reader, engine::lease::ttr, all.now, all.now);
      if (got.status == engine::reserve_status::reserved)
        all.queue_engine.finish(reader, {.job = got.job.job}, all.now);
    }
    all.cycle_in(group, "done");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(cycle_groups)->ArgName("disk")->Arg(0)->Arg(1);

/// Processor time of this thread: what other programs take meanwhile does not count as a long step.
duration spent() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return seconds{time.tv_sec} + duration{time.tv_nsec};
}

/// The longest step of making the outcome of a group; `whole_ms` is all of them. Bar: 5 ms.
void group_outcome(benchmark::State& state) {
  const auto members = static_cast<std::size_t>(state.range(0));
  const std::string result(static_cast<std::size_t>(state.range(1)), 'x');
  double whole_ms = 0;
  for (auto _ : state) {
    mill all{0, 1};
    const auto group = all.queue_engine.open_group({.name = "batch", .outcome_queue = "outcomes"}, all.now).value();
    for (std::size_t n = 0; n < members; ++n)
      all.queue_engine.put(all.sessions[0], all.uses[0], {.content = body{text}, .group = group}, all.now);
    all.queue_engine.close_group(group, all.now);
    duration longest{0}, whole{0};
    const auto measure = [&](auto step) {
      const auto began = spent();
      step();
      const duration took = spent() - began;
      longest = std::max(longest, took);
      return took;
    };
    for (std::size_t n = 0; n < members; ++n) {
      const auto got = all.queue_engine.reserve(all.sessions[0], engine::lease::unlimited, all.now, all.now);
      whole = measure(
          [&] { all.queue_engine.finish(all.sessions[0], {.job = got.job.job, .result_text = result}, all.now); });
    }
    while (all.queue_engine.groups_in_progress() != 0)
      whole += measure([&] { all.queue_engine.advance(all.now += duration{1}); });
    whole_ms = std::chrono::duration<double, std::milli>(whole).count();
    if (!all.queue_engine.find("outcomes")) state.SkipWithError("there is no outcome");
    state.SetIterationTime(std::chrono::duration<double>(longest).count());
  }
  state.counters["whole_ms"] = whole_ms;
}
BENCHMARK(group_outcome)
    ->ArgNames({"members", "bytes"})
    ->Args({100, 100})
    ->Args({10'000, 100})
    ->Args({255, 65'536})
    ->Args({1'000'000, 0})
    ->UseManualTime()
    ->Iterations(5)
    ->Unit(benchmark::kMillisecond);

/// A page of 100 jobs from the middle of a walk. Bar: 1 ms.
void page_of_jobs(benchmark::State& state) {
  constexpr std::size_t page_jobs = 100;
  mill all{static_cast<std::size_t>(state.range(0)), 1};
  const auto begin = [&] {
    return all.queue_engine.open_cursor(all.uses[0], engine::job_state::ready, engine::cursor_owner::caller).value();
  };
  auto cursor = begin();
  std::uint32_t page = 0;
  std::vector<engine::job_facts> found;
  for (auto _ : state) {
    all.queue_engine.begin_page(cursor, ++page);
    found.clear();
    const auto step = all.queue_engine.find_jobs(cursor, {}, page_jobs, found);
    if (found.size() != page_jobs) state.SkipWithError("the page is too short");
    if (step.has_next) continue;
    all.queue_engine.close_cursor(cursor);
    cursor = begin();
    page = 0;
  }
}
BENCHMARK(page_of_jobs)->ArgName("jobs")->Arg(10'000)->Arg(10'000'000)->Unit(benchmark::kMicrosecond);

/// Cancels waiting jobs in steps, as a bulk action does; the time is that of all steps. Bar: 2 s, and 20 ms a step.
void cancel_jobs(benchmark::State& state) {
  const auto jobs = static_cast<std::size_t>(state.range(0));
  duration longest{0};
  for (auto _ : state) {
    state.PauseTiming();
    mill all{jobs, 1};
    const auto cursor =
        all.queue_engine.open_cursor(all.uses[0], engine::job_state::ready, engine::cursor_owner::caller).value();
    all.queue_engine.begin_page(cursor, 1);
    state.ResumeTiming();
    for (bool is_end = false; !is_end;) {
      const auto began = spent();
      const auto step = all.queue_engine.change_jobs(cursor, {}, {.type = engine::job_change::kind::cancel},
                                                     engine::moves_per_turn_max, all.now);
      longest = std::max(longest, spent() - began);
      is_end = step.is_end;
    }
    if (all.queue_engine.job_count() != 0) state.SkipWithError("jobs are left");
    state.PauseTiming();
    all.queue_engine.close_cursor(cursor);
    state.ResumeTiming();
  }
  state.counters["longest_step_ms"] = std::chrono::duration<double, std::milli>(longest).count();
}
BENCHMARK(cancel_jobs)->ArgName("jobs")->Arg(1'000'000)->Iterations(1)->Unit(benchmark::kMillisecond);

/// A job that finds its consumer waiting.
void put_to_waiting(benchmark::State& state) {
  mill all{0, 1};
  std::vector<engine::event> events;
  for (auto _ : state) {
    all.now += microseconds{1};
    all.queue_engine.reserve(all.sessions[0], engine::lease::ttr, all.now + seconds{5}, all.now);
    const auto producer = all.queue_engine.open_session();
    all.queue_engine.put(producer, all.uses[0], {.content = body{text}}, all.now);
    all.queue_engine.take_events(events);
    all.queue_engine.finish(all.sessions[0], {.job = events[0].job.job}, all.now);
    all.queue_engine.close_session(producer, all.now);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(put_to_waiting);

std::size_t allocated() {
  const auto all = mallinfo2();
  return all.uordblks + all.hblkhd;
}

std::size_t resident() {
  std::ifstream file{"/proc/self/statm"};
  std::size_t size = 0, pages = 0;
  file >> size >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

/// What a ready job with a body of 64 bytes takes beyond these bytes: the allocation of the body, record, index and
/// all.
void memory_of_a_ready_job(benchmark::State& state) {
  const auto jobs = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    malloc_trim(0);
    const auto allocated_before = allocated();
    const auto resident_before = resident();
    auto all = std::make_unique<mill>(jobs, 1);
    const auto each = [&](std::size_t bytes) { return static_cast<double>(bytes) / static_cast<double>(jobs); };
    state.counters["allocated_B"] = each(allocated() - allocated_before) - static_cast<double>(text.size());
    state.counters["resident_B"] = each(resident() - resident_before) - static_cast<double>(text.size());
    state.counters["records_B"] = each(all->queue_engine.bytes_of_records());
  }
}
BENCHMARK(memory_of_a_ready_job)
    ->ArgName("jobs")
    ->Arg(1'000'000)
    ->Arg(10'000'000)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

/// A queue nobody declared with one ready job of 64 bytes in it: name, tables, job, body and all.
void memory_of_a_queue(benchmark::State& state) {
  constexpr std::size_t queues = 100'000;
  for (auto _ : state) {
    malloc_trim(0);
    engine::engine queue_engine{options_for(queues)};
    const auto session = queue_engine.open_session();
    const auto allocated_before = allocated();
    const auto resident_before = resident();
    for (std::size_t n = 0; n < queues; ++n) {
      const auto queue = queue_engine.use(session, "queue-" + std::to_string(n)).value();
      queue_engine.put(session, queue, {.content = body{text}}, instant{seconds{1}});
    }
    state.counters["allocated_B"] = static_cast<double>(allocated() - allocated_before) / queues;
    state.counters["resident_B"] = static_cast<double>(resident() - resident_before) / queues;
  }
}
BENCHMARK(memory_of_a_queue)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
