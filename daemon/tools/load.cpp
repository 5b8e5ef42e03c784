#include "tools/load.hpp"

#include <cmath>
#include <utility>

#include "tools/open_load.hpp"

namespace millrace::tools {

namespace {

/// The jobs that an open loop puts, those of the warm-up included.
std::uint64_t jobs_of(const bench_options& options) {
  if (options.jobs > 0) return options.jobs;
  return static_cast<std::uint64_t>(
      std::llround(std::ceil(in_seconds(saturating_add(options.warm_up, options.length)) * options.rate)));
}

}  // namespace

load::load(loop::event_loop& loop, const bench_options& options, const network::address& server, std::uint32_t number,
           const std::vector<std::string>& queues, progress& shown)
    : loop_{loop}, options_{options}, server_{server}, progress_{shown}, queues_{queues}, connections_{loop, server} {
  run_.plan.run = number;
  run_.plan.depth = options.depth;
  run_.plan.body_bytes = options.body_bytes;
}

loop::awaitable<result<run_stats>> load::run() {
  const auto connected = co_await connect();
  if (!connected) co_return error{errc::not_found, connected.error().text};
  const auto worked = co_await work();
  if (!worked) co_return worked.error();
  co_return std::move(measured_);
}

loop::awaitable<result<>> load::connect() {
  progress_.say("connecting");
  co_return co_await connections_.open(options_.connections, queues_);
}

loop::awaitable<result<>> load::work() {
  using enum closed_plan::work;
  if (options_.rate > 0) co_return co_await keep_rate();
  result<> worked;
  if (options_.phase == bench_phase::mix) {
    worked = co_await work_through(mix, options_.jobs, true);
  } else {
    worked = co_await work_through(put, options_.jobs, options_.phase == bench_phase::put);
    if (worked) worked = co_await work_through(drain, 0, options_.phase == bench_phase::drain);
  }
  if (worked) worked = run_.ledger.verify();
  co_return worked;
}

loop::awaitable<result<>> load::work_through(closed_plan::work task, std::uint64_t jobs, bool timed) {
  const instant begin = loop_.refresh_now();
  run_.plan.task = task;
  run_.plan.jobs = jobs;
  run_.counts = run_stats{};
  run_.counts.from = timed ? after(begin, options_.warm_up) : begin;
  if (jobs == 0 && task != closed_plan::work::drain)
    run_.plan.until = run_.counts.until = after(run_.counts.from, options_.length);
  task_group parts{loop_};
  progress_.watch(run_.counts, parts, timed ? "" : task == closed_plan::work::put ? "filling" : "emptying");
  auto worked = co_await connections_.work(run_, parts);
  co_await progress_.rest();
  if (timed) measured_ = std::move(run_.counts);
  co_return worked;
}

loop::awaitable<result<>> load::keep_rate() {
  open_run run;
  run.run = run_.plan.run;
  run.body_bytes = options_.body_bytes;
  run.rate = options_.rate;
  run.begin = loop_.refresh_now();
  run.jobs = jobs_of(options_);
  run.counts.from = after(run.begin, options_.warm_up);
  if (options_.jobs == 0) run.counts.until = after(run.counts.from, options_.length);
  task_group parts{loop_};
  progress_.watch(run.counts, parts, "");
  open_load all{loop_, connections_, run};
  auto worked = co_await all.work(parts);
  co_await progress_.rest();
  measured_ = std::move(run.counts);
  co_return worked;
}

}  // namespace millrace::tools
