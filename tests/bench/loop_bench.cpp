// The cost of a turn of the loop, of a task, and of a deadline.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>

#include <millrace/loop/deadline.hpp>
#include <millrace/loop/event_loop.hpp>

#include "loop/task_scope.hpp"

namespace {

using namespace millrace;

loop::awaitable<> yield_often(loop::event_loop& loop, std::int64_t times) {
  for (std::int64_t n = 0; n < times; ++n) co_await loop::yield(loop);
}

void loop_yield(benchmark::State& state) {
  constexpr std::int64_t times = 100'000;
  for (auto _ : state) {
    loop::event_loop loop;
    loop::task_scope scope{loop};
    scope.spawn("yields", yield_often(loop, times));
    loop.run();
  }
  state.SetItemsProcessed(state.iterations() * times);
}
BENCHMARK(loop_yield)->UseRealTime()->Unit(benchmark::kMillisecond);

loop::awaitable<> return_at_once() { co_return; }

void loop_spawn(benchmark::State& state) {
  constexpr std::int64_t times = 10'000;
  loop::event_loop loop;
  loop::task_scope scope{loop};
  for (auto _ : state) {
    for (std::int64_t n = 0; n < times; ++n) scope.spawn("short", return_at_once());
    loop.run();
  }
  state.SetItemsProcessed(state.iterations() * times);
}
BENCHMARK(loop_spawn)->UseRealTime()->Unit(benchmark::kMillisecond);

void loop_deadline(benchmark::State& state) {
  loop::event_loop loop{loop::clock_kind::manual};
  loop::deadline one{loop, [] {}};
  duration wait = seconds{1};
  for (auto _ : state) {
    one.set(loop.now() + wait);
    wait += nanoseconds{1};
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(loop_deadline);

}  // namespace
