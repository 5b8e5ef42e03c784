#include "network/beanstalk_client.hpp"

#include <string>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

#include "network/listener.hpp"
#include "support/catch.hpp"
#include "support/loop_thread.hpp"

using namespace millrace;
using network::beanstalk_client;
using wire::beanstalk_verb;
using wire::beanstalk_word;

namespace {

/// Answers each line from a small table; does not answer lines that are not in it.
loop::awaitable<> answer_lines(network::stream_socket socket) {
  std::string unread;
  try {
    for (;;) {
      const auto bytes = co_await boost::asio::async_read_until(socket, boost::asio::dynamic_buffer(unread), "\r\n",
                                                                loop::use_awaitable);
      const std::string line = unread.substr(0, bytes - 2);
      unread.erase(0, bytes);
      std::string answer;
      if (line.starts_with("use ")) answer = "USING " + line.substr(4) + "\r\n";
      if (line == "reserve-with-timeout 0") answer = "RESERVED 7 5\r\nhello\r\n";
      if (line == "delete 7") answer = "DELETED\r\n";
      if (line == "delete 8") answer = "NOT_FOUND\r\n";
      if (line == "stats") answer = "HTTP/1.1 400 Bad Request\r\n";
      co_await boost::asio::async_write(socket, boost::asio::buffer(answer), loop::use_awaitable);
    }
  } catch (const boost::system::system_error& failure) {
    if (failure.code() == boost::asio::error::operation_aborted) throw;
  }
}

wire::beanstalk_command command_of(beanstalk_verb verb, std::uint64_t job = 0) {
  wire::beanstalk_command command;
  command.verb = verb;
  command.job = job;
  return command;
}

/// Runs `story` with a client of such a server.
template <class Story>
void with_client(Story story) {
  testing::loop_thread thread;
  network::listener server{thread.loop(), "server", answer_lines};
  const network::listener_options options{network::parse_address("127.0.0.1:0").value(), 10};
  REQUIRE(server.open(options));
  const auto address = server.local_address();
  thread.start();
  thread.run([&] { return story(thread.loop(), address); });
  thread.end([&server] { return server.close(duration::zero()); });
}

loop::awaitable<> ask_for_each(loop::event_loop& loop, const network::address& address) {
  beanstalk_client client{loop};
  const auto opened = co_await client.open(address, never);
  REQUIRE(opened);
  auto use = command_of(beanstalk_verb::use);
  use.tube = "letters";
  const auto used = co_await client.call(use, never);
  REQUIRE(used.has_value());
  CHECK(used->word == beanstalk_word::using_tube);
  CHECK(used->tube == "letters");
  const auto reserve = command_of(beanstalk_verb::reserve_with_timeout);
  const auto job = co_await client.call(reserve, never);
  REQUIRE(job.has_value());
  CHECK(job->number == 7);
  CHECK(job->chunk == "hello");
  const auto remove = command_of(beanstalk_verb::delete_job, 8);
  const auto missing = co_await client.call(remove, never);
  REQUIRE(missing.has_value());
  CHECK(missing->word == beanstalk_word::not_found);
}

loop::awaitable<> ask_for_many(loop::event_loop& loop, const network::address& address) {
  beanstalk_client client{loop};
  const auto opened = co_await client.open(address, never);
  REQUIRE(opened);
  for (int i = 0; i < 1'000; ++i) client.queue(command_of(beanstalk_verb::delete_job, i % 2 == 0 ? 7 : 8));
  CHECK(client.awaited() == 1'000);
  const auto sent = co_await client.send(never);
  REQUIRE(sent);
  for (int i = 0; i < 1'000; ++i) {
    const auto reply = co_await client.reply(never);
    REQUIRE(reply.has_value());
    CHECK(reply->word == (i % 2 == 0 ? beanstalk_word::deleted : beanstalk_word::not_found));
  }
  CHECK(client.awaited() == 0);
}

loop::awaitable<> ask_a_stranger(loop::event_loop& loop, const network::address& address) {
  beanstalk_client client{loop};
  const auto opened = co_await client.open(address, never);
  REQUIRE(opened);
  const auto stats = command_of(beanstalk_verb::stats);
  const auto answer = co_await client.call(stats, never);
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error() == error{errc::invalid, network::write_address(address) +
                                                   ": what answers there does not speak the beanstalk protocol"});
  const auto after_that = co_await client.send(never);
  REQUIRE_FALSE(after_that);
  CHECK(after_that.error().code == errc::io);
}

loop::awaitable<> ask_in_vain(loop::event_loop& loop, const network::address& address) {
  beanstalk_client client{loop};
  const auto opened = co_await client.open(address, never);
  REQUIRE(opened);
  const auto touch = command_of(beanstalk_verb::touch, 1);
  const auto answer = co_await client.call(touch, loop.now() + milliseconds{20});
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code == errc::timed_out);
  // A new connection begins anew.
  const auto again = co_await client.open(address, never);
  REQUIRE(again);
  const auto remove = command_of(beanstalk_verb::delete_job, 7);
  const auto deleted = co_await client.call(remove, never);
  REQUIRE(deleted.has_value());
  CHECK(deleted->word == beanstalk_word::deleted);
}

}  // namespace

TEST_CASE("a client asks and is answered; a refusal is an answer") { with_client(ask_for_each); }

TEST_CASE("many commands leave in one piece, and the answers come in their order") { with_client(ask_for_many); }

TEST_CASE("a peer that does not speak the protocol is distinguished from one that refuses") {
  with_client(ask_a_stranger);
}

TEST_CASE("a server that does not answer in time is given up, and may be asked anew") { with_client(ask_in_vain); }

TEST_CASE("every word that a server can say has words for people") {
  for (int i = 0; i <= static_cast<int>(beanstalk_word::ok); ++i)
    CHECK_FALSE(network::in_words(static_cast<beanstalk_word>(i)).empty());
}
