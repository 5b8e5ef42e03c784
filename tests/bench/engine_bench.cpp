// The engine alone: what a job's life costs in time with many jobs and queues, and what a job and a queue cost in
// memory.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.hpp"

using namespace millrace;

namespace {

const std::string text(64, 'x');

engine::engine_options room_for(std::size_t queues) { return {.queues_max = static_cast<std::uint32_t>(queues + 1)}; }

constexpr engine::queue_options boundless{.max_jobs = 1'000'000'000, .max_bytes = std::uint64_t{1} << 40};

/// An engine with so many ready jobs spread over so many queues, each with a session of its own that uses and watches
/// it.
struct mill {
  mill(std::size_t jobs, std::size_t queues) : it{room_for(queues)} {
    it.set_queue_defaults(boundless);
    for (std::size_t n = 0; n < queues; ++n) {
      const auto who = it.open_session();
      const auto name = "queue-" + std::to_string(n);
      uses.push_back(it.use(who, name).value());
      it.watch(who, name).value();
      sessions.push_back(who);
    }
    for (std::size_t n = 0; n < jobs; ++n) put(n % queues);
  }

  void put(std::size_t n) { it.put(sessions[n], uses[n], {.content = body{text}}, now); }

  void cycle(std::size_t n) {
    now += microseconds{1};
    put(n);
    const auto got = it.reserve(sessions[n], engine::lease::ttr, now, now);
    benchmark::DoNotOptimize(it.finish(sessions[n], {.job = got.job.job}, now));
  }

  engine::engine it;
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

/// A job that finds its consumer waiting.
void put_to_waiting(benchmark::State& state) {
  mill all{0, 1};
  std::vector<engine::event> events;
  for (auto _ : state) {
    all.now += microseconds{1};
    all.it.reserve(all.sessions[0], engine::lease::ttr, all.now + seconds{5}, all.now);
    const auto producer = all.it.open_session();
    all.it.put(producer, all.uses[0], {.content = body{text}}, all.now);
    all.it.take_events(events);
    all.it.finish(all.sessions[0], {.job = events[0].job.job}, all.now);
    all.it.close_session(producer, all.now);
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
    state.counters["records_B"] = each(all->it.bytes_of_records());
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
    engine::engine it{room_for(queues)};
    const auto who = it.open_session();
    const auto allocated_before = allocated();
    const auto resident_before = resident();
    for (std::size_t n = 0; n < queues; ++n) {
      const auto queue = it.use(who, "queue-" + std::to_string(n)).value();
      it.put(who, queue, {.content = body{text}}, instant{seconds{1}});
    }
    state.counters["allocated_B"] = static_cast<double>(allocated() - allocated_before) / queues;
    state.counters["resident_B"] = static_cast<double>(resident() - resident_before) / queues;
  }
}
BENCHMARK(memory_of_a_queue)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
