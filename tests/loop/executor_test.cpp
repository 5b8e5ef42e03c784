#include <millrace/loop/executor.hpp>

#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <string>

#include "support/catch.hpp"

#include "loop/still_loop.hpp"

namespace millrace::loop {
namespace {

using socket = boost::asio::basic_stream_socket<boost::asio::local::stream_protocol, executor>;
using system_timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                       boost::asio::wait_traits<std::chrono::steady_clock>, executor>;

static_assert(boost::asio::execution::is_executor<executor>::value);
static_assert(sizeof(executor) == 2 * sizeof(void*));

std::string running(const event_loop& loop) {
  for (const task_facts& task : loop.tasks()) {
    if (task.waits_for == "running") return task.name;
  }
  return "nobody";
}

awaitable<> read_and_note(event_loop& loop, socket& from, diary& happened) {
  std::array<char, 5> bytes{};
  co_await boost::asio::async_read(from, boost::asio::buffer(bytes), use_awaitable);
  happened.push_back(running(loop) + " read " + std::string(bytes.data(), bytes.size()));
}

awaitable<> write_and_note(event_loop& loop, socket& to, diary& happened) {
  const std::string text = "hello";
  co_await boost::asio::async_write(to, boost::asio::buffer(text), use_awaitable);
  happened.push_back(running(loop) + " wrote");
}

awaitable<> tick(event_loop& loop, diary& happened) {
  system_timer timer{loop.get_executor(), std::chrono::milliseconds{1}};
  co_await timer.async_wait(use_awaitable);
  happened.push_back(running(loop) + " ticked");
}

}  // namespace

TEST_CASE("sockets and timers of Asio run on the loop, and the task that uses them is the one noted", "[executor]") {
  event_loop loop;
  task_scope scope{loop};
  diary happened;
  socket a{loop.get_executor()};
  socket b{loop.get_executor()};
  boost::asio::local::connect_pair(a, b);
  scope.spawn("reader", read_and_note(loop, a, happened));
  scope.spawn("writer", write_and_note(loop, b, happened));
  scope.spawn("clock", tick(loop, happened));
  loop.run();
  std::sort(happened.begin(), happened.end());
  CHECK(happened == diary{"clock ticked", "reader read hello", "writer wrote"});
}

TEST_CASE("a read from a socket is cancelled with its task", "[executor]") {
  still_loop still;
  socket a{still.loop.get_executor()};
  socket b{still.loop.get_executor()};
  boost::asio::local::connect_pair(a, b);
  diary happened;
  std::string end;
  const task_id id = still.scope.spawn("reader", noting_the_end(read_and_note(still.loop, a, happened), end));
  still.loop.run_ready();
  CHECK(still.loop.tasks().at(0).waits_for == "the system");
  still.loop.cancel(id);
  still.loop.run_ready();
  CHECK(end == "cancelled");
}

TEST_CASE("a function executed from inside the loop runs at once, a posted one later", "[executor]") {
  still_loop still;
  diary happened;
  still.loop.post_from_any_thread([&] {
    const executor here = still.loop.get_executor();
    boost::asio::post(here, [&] { happened.push_back("posted"); });
    here.execute([&] { happened.push_back("executed"); });
    happened.push_back("end");
  });
  still.loop.run_ready();
  CHECK(happened == diary{"executed", "end", "posted"});
}

}  // namespace millrace::loop
