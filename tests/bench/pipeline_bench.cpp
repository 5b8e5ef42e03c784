// Whole jobs through the daemon's own parts, counted as the daemon counts them:
// source -> producer -> queue -> consumer -> handler -> done.

#include <benchmark/benchmark.h>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/io_thread.hpp>

#include "broker/broker.hpp"
#include "handlers/noop.hpp"
#include "handlers/prime.hpp"
#include "loop/task_scope.hpp"
#include "offload/thread_pool.hpp"
#include "sources/random.hpp"
#include "sources/range.hpp"
#include "store/memory_store.hpp"
#include "workload/workload.hpp"

namespace {

using namespace millrace;

template <class Source, class Options>
sources::kind source_kind(const char* name, const options_of<Options>& table) {
  return {name, "", &table, [](const void* owner, const sources::source_context& context) {
            return Source::make(*static_cast<const Options*>(owner), context);
          }};
}

/// What the daemon is made of, as far as a job meets it.
struct daemon {
  daemon() { broker.declare("jobs", {.max_jobs = 1'024}).value(); }

  /// Seconds from the start until nothing is left to do.
  double run(const workload::producer_settings& producer, const workload::consumer_settings& consumer) {
    const auto began = std::chrono::steady_clock::now();
    jobs.start({producer}, {consumer}, {loop}, {loop, output}).value();
    scope.spawn("main", until_idle());
    loop.run();
    return std::chrono::duration<double>(finished - began).count();
  }

  loop::awaitable<> until_idle() {
    co_await jobs.idle();
    finished = std::chrono::steady_clock::now();
    co_await jobs.drain(duration::zero());
    broker.close();
    threads.close();
    output.close();
  }

  loop::event_loop loop;
  store::memory_store store;
  broker::broker broker{loop, store};
  offload::thread_pool threads{loop, {.threads = 2}};
  loop::io_thread output{loop, "output"};
  workload::workload jobs{loop, broker, threads, {}};
  loop::task_scope scope{loop};
  std::chrono::steady_clock::time_point finished;
};

void pipeline_noop(benchmark::State& state) {
  constexpr std::uint64_t count = 2'000'000;
  const auto numbers = source_kind<sources::range>("range", sources::range_option_table());
  const auto nothing = handlers::kind_of<handlers::noop>("noop", "", handlers::noop_option_table());
  for (auto _ : state) {
    daemon all;
    const auto upto = std::make_shared<sources::range_options>();
    upto->to = std::to_string(count);
    workload::producer_settings producer{"numbers", {.queue = "jobs"}, &numbers, upto};
    workload::consumer_settings consumer{"work", {.queue = {"jobs"}}, &nothing, nullptr};
    state.SetIterationTime(all.run(producer, consumer));
    if (all.jobs.consumers()[0]->outcomes[0].value() != count) state.SkipWithError("not every job was done once");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(count) * state.iterations());
}
BENCHMARK(pipeline_noop)->UseManualTime()->Unit(benchmark::kMillisecond)->Iterations(3);

/// Fails the first attempt of each second job.
class half_fail_once : public handlers::quick_handler {
 public:
  half_fail_once(const handlers::noop_options&, const handlers::handler_context&) {}
  handlers::answer handle(const handlers::job& work) override {
    if (work.attempt == 1 && work.id.value() % 2 == 0) return error{errc::refused, "the first attempt fails"};
    return std::nullopt;
  }
};

/// Items are attempts, three for two jobs. The queue has space for the jobs that wait a millisecond.
void pipeline_noop_retry(benchmark::State& state) {
  constexpr std::uint64_t count = 1'000'000;
  const auto numbers = source_kind<sources::range>("range", sources::range_option_table());
  const auto failing = handlers::kind_of<half_fail_once>("half_fail_once", "", handlers::noop_option_table());
  double seconds_spent = 0;
  for (auto _ : state) {
    daemon all;
    all.broker.declare("jobs", {.max_jobs = 8'192}).value();
    const auto upto = std::make_shared<sources::range_options>();
    upto->to = std::to_string(count);
    workload::producer_settings producer{"numbers", {.queue = "jobs"}, &numbers, upto};
    const engine::retry_options retry{.attempts = 2, .first = milliseconds{1}};
    workload::consumer_settings consumer{"work", {.queue = {"jobs"}, .retry = retry}, &failing, nullptr};
    const double run = all.run(producer, consumer);
    seconds_spent += run;
    state.SetIterationTime(run);
    if (all.jobs.consumers()[0]->outcomes[0].value() != count) state.SkipWithError("not every job was done once");
  }
  const auto jobs = static_cast<std::int64_t>(count) * state.iterations();
  state.SetItemsProcessed(jobs * 3 / 2);
  state.counters["jobs/s"] = static_cast<double>(jobs) / seconds_spent;
}
BENCHMARK(pipeline_noop_retry)->UseManualTime()->Unit(benchmark::kMillisecond)->Iterations(3);

/// All jobs are one group, whose outcome is put, too.
void pipeline_noop_group(benchmark::State& state) {
  constexpr std::uint64_t count = 1'000'000;
  const auto numbers = source_kind<sources::range>("range", sources::range_option_table());
  const auto nothing = handlers::kind_of<handlers::noop>("noop", "", handlers::noop_option_table());
  for (auto _ : state) {
    daemon all;
    const auto outcomes = all.broker.declare("outcomes", {}).value();
    const auto upto = std::make_shared<sources::range_options>();
    upto->to = std::to_string(count);
    workload::producer_settings producer{"numbers", {.queue = "jobs"}, &numbers, upto};
    producer.common.group = workload::producer_group_options{.then = "outcomes"};
    workload::consumer_settings consumer{"work", {.queue = {"jobs"}}, &nothing, nullptr};
    state.SetIterationTime(all.run(producer, consumer));
    if (all.jobs.consumers()[0]->outcomes[0].value() != count) state.SkipWithError("not every job was done once");
    if (all.broker.engine().levels(outcomes).ready != 1) state.SkipWithError("there is no outcome");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(count) * state.iterations());
}
BENCHMARK(pipeline_noop_group)->UseManualTime()->Unit(benchmark::kMillisecond)->Iterations(3);

void pipeline_prime_threads(benchmark::State& state) {
  constexpr std::uint64_t count = 500'000;
  const auto numbers = source_kind<sources::random>("random", sources::random_option_table());
  const auto prime = handlers::kind_of<handlers::prime>("prime", "", handlers::prime_option_table());
  for (auto _ : state) {
    daemon all;
    workload::producer_settings producer{"numbers", {.queue = "jobs", .limit = count}, &numbers, nullptr};
    workload::consumer_settings consumer{
        "work", {.queue = {"jobs"}, .run_on = offload::execution_site::threads, .concurrency = 256}, &prime, nullptr};
    state.SetIterationTime(all.run(producer, consumer));
    if (all.jobs.consumers()[0]->outcomes[0].value() != count) state.SkipWithError("not every job was done once");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(count) * state.iterations());
}
BENCHMARK(pipeline_prime_threads)->UseManualTime()->Unit(benchmark::kMillisecond)->Iterations(3);

}  // namespace
