#include "network/beanstalk_client.hpp"

#include <cassert>
#include <span>

namespace millrace::network {

namespace {

constexpr std::size_t read_bytes = 16u << 10;

}  // namespace

beanstalk_client::beanstalk_client(loop::event_loop& loop) : connection_{loop} {}

loop::awaitable<result<>> beanstalk_client::open(const address& target, instant until) {
  to_send_.clear();
  unread_ = {};
  reader_ = {};
  awaited_ = 0;
  buffer_.resize(read_bytes);
  co_return co_await connection_.open(target, until);
}

void beanstalk_client::queue(const wire::beanstalk_command& command) {
  wire::append(to_send_, command);
  ++awaited_;
}

loop::awaitable<result<>> beanstalk_client::send(instant until) {
  auto sent = co_await connection_.write(to_send_, until);
  to_send_.clear();
  co_return sent;
}

loop::awaitable<result<wire::beanstalk_reply>> beanstalk_client::reply(instant until) {
  assert(awaited_ > 0);
  using found = wire::beanstalk_reply_reader::found;
  wire::beanstalk_reply reply;
  found result = reader_.next(unread_, reply);
  while (result == found::nothing) {
    const auto got = co_await connection_.read_some(buffer_, until);
    if (!got) co_return got.error();
    unread_ = {buffer_.data(), *got};
    result = reader_.next(unread_, reply);
  }
  if (result == found::nonsense) co_return protocol_error();
  --awaited_;
  co_return reply;
}

loop::awaitable<result<wire::beanstalk_reply>> beanstalk_client::call(const wire::beanstalk_command& command,
                                                                      instant until) {
  assert(awaited_ == 0);
  queue(command);
  const auto sent = co_await send(until);
  if (!sent) co_return sent.error();
  co_return co_await reply(until);
}

connection& beanstalk_client::bytes() noexcept {
  assert(awaited_ == 0 && unread_.empty());
  return connection_;
}

error beanstalk_client::protocol_error() {
  connection_.close();
  return {errc::invalid, connection_.peer() + ": what answers there does not speak the beanstalk protocol"};
}

std::string_view in_words(wire::beanstalk_word word) noexcept {
  using enum wire::beanstalk_word;
  switch (word) {
    case deleted:
      return "DELETED";
    case released:
      return "RELEASED";
    case buried:
      return "BURIED";
    case touched:
      return "TOUCHED";
    case kicked:
    case kicked_count:
      return "KICKED";
    case paused:
      return "PAUSED";
    case not_found:
      return "NOT_FOUND: there is no such job or queue, or another client holds it";
    case not_ignored:
      return "NOT_IGNORED: it is the only queue watched";
    case deadline_soon:
      return "DEADLINE_SOON: the time to run of a reserved job is almost over";
    case timed_out:
      return "TIMED_OUT: no job was ready in time";
    case draining:
      return "DRAINING: it takes no more jobs";
    case job_too_big:
      return "JOB_TOO_BIG: the body is larger than it allows";
    case expected_crlf:
      return "EXPECTED_CRLF: a body did not end where it should";
    case bad_format:
      return "BAD_FORMAT: it did not understand a command";
    case unknown_command:
      return "UNKNOWN_COMMAND: it does not know a command";
    case out_of_memory:
      return "OUT_OF_MEMORY: it has no memory left, or a limit is reached, such as that of a full queue";
    case internal_error:
      return "INTERNAL_ERROR: it has a fault";
    case inserted:
      return "INSERTED";
    case buried_job:
      return "BURIED: it had no memory to queue a job and buried it";
    case watching:
      return "WATCHING";
    case using_tube:
      return "USING";
    case reserved:
      return "RESERVED";
    case found:
      return "FOUND";
    case ok:
      return "OK";
  }
  return "";
}

}  // namespace millrace::network
