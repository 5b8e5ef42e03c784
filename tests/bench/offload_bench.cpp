// Round trips of an empty computation through one worker thread and back to the loop, beside asio::thread_pool (post
// there, post back), at several depths: so many coroutines each wait for their own before they hand in the next.
#include <benchmark/benchmark.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <millrace/loop/event_loop.hpp>

#include "loop/task_scope.hpp"
#include "offload/thread_pool.hpp"

namespace {

using namespace millrace;

/// Round trips in one iteration: enough that starting and joining the thread does not show.
std::int64_t round_trips(std::int64_t depth) { return depth == 1 ? 2'000 : 200'000 / depth * depth; }

class empty final : public offload::computation {
 public:
  offload::progress step() override { return offload::progress::done; }
  result<std::string> take_result() override { return std::string{}; }
};

loop::awaitable<> go_there_and_back(offload::thread_pool& pool, std::int64_t times) {
  for (std::int64_t n = 0; n < times; ++n) {
    std::unique_ptr<offload::computation> work = std::make_unique<empty>();
    const result<std::string> answer = co_await pool.run(std::move(work));
    if (!answer) co_return;
  }
}

loop::awaitable<> close_after(loop::task_scope& tasks, offload::thread_pool& pool) {
  co_await tasks.join();
  pool.close();
}

void offload_millrace(benchmark::State& state) {
  const std::int64_t depth = state.range(0);
  for (auto _ : state) {
    loop::event_loop loop;
    loop::task_scope callers{loop};
    loop::task_scope closing{loop};
    offload::pool_options options;
    options.threads = 1;
    offload::thread_pool pool{loop, options};
    for (std::int64_t n = 0; n < depth; ++n) {
      callers.spawn("caller", go_there_and_back(pool, round_trips(depth) / depth));
    }
    closing.spawn("closing", close_after(callers, pool));
    loop.run();
  }
  state.SetItemsProcessed(state.iterations() * round_trips(depth));
}
BENCHMARK(offload_millrace)->Arg(64)->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond);

namespace theirs {

namespace asio = boost::asio;
using executor = asio::io_context::executor_type;

asio::awaitable<void, executor> go_there_and_back(asio::thread_pool& pool, asio::io_context& home, std::int64_t times) {
  for (std::int64_t n = 0; n < times; ++n) {
    co_await asio::post(pool, asio::use_awaitable_t<executor>{});
    co_await asio::post(home, asio::use_awaitable_t<executor>{});
  }
}

}  // namespace theirs

void offload_asio(benchmark::State& state) {
  const std::int64_t depth = state.range(0);
  for (auto _ : state) {
    boost::asio::io_context home{1};
    boost::asio::thread_pool pool{1};
    for (std::int64_t n = 0; n < depth; ++n) {
      boost::asio::co_spawn(home.get_executor(), theirs::go_there_and_back(pool, home, round_trips(depth) / depth),
                            boost::asio::detached);
    }
    home.run();
    pool.join();
  }
  state.SetItemsProcessed(state.iterations() * round_trips(depth));
}
BENCHMARK(offload_asio)->Arg(64)->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
