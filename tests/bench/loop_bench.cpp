// The bounded queue between two coroutines, beside Asio's experimental channel; and what a turn of the loop costs.
// Both sides use concrete executors: with any_io_executor the channel would be slower still.
#include <benchmark/benchmark.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <millrace/loop/deadline.hpp>
#include <millrace/loop/event_loop.hpp>

#include "loop/bounded_queue.hpp"
#include "loop/task_scope.hpp"

namespace {

using namespace millrace;

constexpr std::size_t capacity = 1024;
constexpr std::int64_t items = 1'000'000;

namespace ours {

loop::awaitable<> produce(loop::bounded_queue<std::int64_t>& queue) {
  for (std::int64_t n = 0; n < items; ++n) {
    std::int64_t item = n;
    if (!queue.try_push(item) && !co_await queue.push(item)) co_return;
  }
  queue.close();
}

loop::awaitable<> consume(loop::bounded_queue<std::int64_t>& queue, std::int64_t& sum) {
  for (;;) {
    std::optional<std::int64_t> item = queue.try_pop();
    if (!item) item = co_await queue.pop();
    if (!item) co_return;
    sum += *item;
  }
}

}  // namespace ours

void bounded_queue(benchmark::State& state) {
  for (auto _ : state) {
    loop::event_loop loop;
    loop::task_scope scope{loop};
    loop::bounded_queue<std::int64_t> queue{loop, capacity};
    std::int64_t sum = 0;
    scope.spawn("producer", ours::produce(queue));
    scope.spawn("consumer", ours::consume(queue, sum));
    loop.run();
    if (sum != items * (items - 1) / 2) state.SkipWithError("items were lost");
  }
  state.SetItemsProcessed(state.iterations() * items);
}
BENCHMARK(bounded_queue)->UseRealTime()->Unit(benchmark::kMillisecond);

namespace theirs {

namespace asio = boost::asio;
using where = asio::io_context::executor_type;
template <class T = void>
using awaitable = asio::awaitable<T, where>;
constexpr asio::use_awaitable_t<where> use_awaitable{};
using channel = asio::experimental::channel<where, void(boost::system::error_code, std::int64_t)>;

awaitable<> produce(channel& to) {
  for (std::int64_t n = 0; n < items; ++n) co_await to.async_send(boost::system::error_code{}, n, use_awaitable);
}

awaitable<> consume(channel& from, std::int64_t& sum) {
  for (std::int64_t n = 0; n < items; ++n) sum += co_await from.async_receive(use_awaitable);
}

awaitable<> produce_trying(channel& to) {
  for (std::int64_t n = 0; n < items; ++n) {
    if (to.try_send(boost::system::error_code{}, n)) continue;
    co_await to.async_send(boost::system::error_code{}, n, use_awaitable);
  }
}

awaitable<> consume_trying(channel& from, std::int64_t& sum) {
  for (std::int64_t n = 0; n < items; ++n) {
    std::optional<std::int64_t> item;
    const bool came = from.try_receive([&](boost::system::error_code, std::int64_t value) { item = value; });
    if (!came) item = co_await from.async_receive(use_awaitable);
    sum += *item;
  }
}

template <class Produce, class Consume>
void run(benchmark::State& state, Produce produce, Consume consume) {
  for (auto _ : state) {
    asio::io_context context{1};
    channel between{context.get_executor(), capacity};
    std::int64_t sum = 0;
    asio::co_spawn(context.get_executor(), produce(between), asio::detached);
    asio::co_spawn(context.get_executor(), consume(between, sum), asio::detached);
    context.run();
    if (sum != items * (items - 1) / 2) state.SkipWithError("items were lost");
  }
  state.SetItemsProcessed(state.iterations() * items);
}

}  // namespace theirs

void experimental_channel(benchmark::State& state) { theirs::run(state, theirs::produce, theirs::consume); }
BENCHMARK(experimental_channel)->UseRealTime()->Unit(benchmark::kMillisecond);

void experimental_channel_try_first(benchmark::State& state) {
  theirs::run(state, theirs::produce_trying, theirs::consume_trying);
}
BENCHMARK(experimental_channel_try_first)->UseRealTime()->Unit(benchmark::kMillisecond);

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
