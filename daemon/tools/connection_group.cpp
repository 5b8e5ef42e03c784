#include "tools/connection_group.hpp"

#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include "tools/closed_loop_driver.hpp"

namespace millrace::tools {

namespace asio = boost::asio;
using wire::beanstalk_verb;
using wire::beanstalk_word;

namespace {

/// Connections that are opened at one time: fewer than the usual backlog of a listening socket.
constexpr std::size_t openings_max = 100;

error io_error(const network::connection& server, const boost::system::error_code& failure) {
  if (failure == asio::error::operation_aborted) throw boost::system::system_error{failure};
  return server.failed(failure);
}

}  // namespace

loop::awaitable<result<>> connection_group::open(std::uint32_t count, const std::vector<std::string>& queues) {
  while (members_.size() < count) {
    task_group openings{loop_};
    const std::size_t upto = std::min<std::size_t>(count, members_.size() + openings_max);
    while (members_.size() < upto) {
      const auto& queue = queues[members_.size() % queues.size()];
      auto& member = *members_.emplace_back(std::make_unique<network::beanstalk_client>(loop_));
      openings.spawn("opening", join_queue(*this, member, queue));
    }
    const auto opened = co_await openings.join();
    if (!opened) co_return opened;
  }
  co_return all_well;
}

loop::awaitable<result<>> connection_group::join_queue(connection_group& self, network::beanstalk_client& member,
                                                       const std::string& queue) {
  const instant until = after(self.loop_.now(), answer_patience);
  const auto opened = co_await member.open(self.server_, until);
  if (!opened) co_return opened;
  for (const auto verb : {beanstalk_verb::use, beanstalk_verb::watch, beanstalk_verb::ignore}) {
    wire::beanstalk_command command;
    command.verb = verb;
    command.tube = verb == beanstalk_verb::ignore ? std::string_view{"default"} : std::string_view{queue};
    if (verb != beanstalk_verb::ignore || queue != "default") member.queue(command);
  }
  const auto sent = co_await member.send(until);
  if (!sent) co_return sent;
  while (member.awaited() > 0) {
    const auto reply = co_await member.reply(until);
    if (!reply) co_return reply.error();
    if (reply->word != beanstalk_word::using_tube && reply->word != beanstalk_word::watching)
      co_return said_by(member.bytes(), {errc::invalid, std::string{network::in_words(reply->word)}});
  }
  co_return all_well;
}

loop::awaitable<result<>> connection_group::work(closed_run& run, task_group& parts) {
  buffer_.resize(read_bytes);
  for (auto& member : members_) parts.spawn("load", work_alone(*this, *member, run));
  co_return co_await parts.join();
}

loop::awaitable<result<>> connection_group::work_alone(connection_group& self, network::beanstalk_client& member,
                                                       closed_run& run) {
  closed_loop_driver driver{self.loop_, self.readiness_, self.buffer_, member.bytes(), run};
  co_return co_await driver.work();
}

loop::awaitable<result<>> send_now(network::connection& to, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto piece = asio::buffer(bytes.data(), bytes.size());
    const auto [failure, sent] = co_await to.socket().async_write_some(piece, asio::as_tuple(loop::use_awaitable));
    if (failure) co_return io_error(to, failure);
    bytes.remove_prefix(sent);
  }
  co_return all_well;
}

loop::awaitable<result<std::size_t>> read_now(network::connection& from, std::span<char> into) {
  const auto space = asio::buffer(into.data(), into.size());
  const auto [failure, got] = co_await from.socket().async_read_some(space, asio::as_tuple(loop::use_awaitable));
  if (failure) co_return io_error(from, failure);
  co_return got;
}

error said_by(const network::connection& server, const error& failure) {
  return {failure.code, server.peer() + ": " + failure.text};
}

}  // namespace millrace::tools
