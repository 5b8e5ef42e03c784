#include "tools/open_load.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <millrace/loop/deadline.hpp>

namespace millrace::tools {

namespace {

/// A shorter sleep would end too late, because waking up takes about as long. The loop polls for replies instead.
constexpr duration shortest_sleep = microseconds{150};
constexpr std::size_t read_bytes = 16u << 10;

}  // namespace

/// One connection that puts. A separate task sends the bytes that the socket does not take at once.
struct open_load::sender {
  sender(network::connection& server, open_run& run) : connection{server}, producer{run} {}

  network::connection& connection;
  open_producer producer;
  bool busy{false};  ///< that task runs
};

open_load::open_load(loop::event_loop& loop, connection_group& connections, open_run& run)
    : loop_{loop}, connections_{connections}, run_{run}, all_answered_{loop, "the last jobs"} {}

open_load::~open_load() = default;

loop::awaitable<result<>> open_load::work(task_group& parts) {
  auto& members = connections_.members();
  const std::size_t producers = (members.size() + 1) / 2;
  for (std::size_t at = 0; at < members.size(); ++at) {
    if (at < producers) {
      auto& to = *senders_.emplace_back(std::make_unique<sender>(members[at]->bytes(), run_));
      parts.spawn("producer", hear_replies(*this, to));
    } else {
      parts.spawn("consumer", consume(*this, members[at]->bytes()));
    }
  }
  parts.spawn("schedule", keep_schedule(*this, parts));
  co_return co_await parts.join();
}

loop::awaitable<result<>> open_load::keep_schedule(open_load& self, task_group& parts) {
  auto& run = self.run_;
  while (self.next_ < run.jobs) {
    const instant due = run.due(self.next_);
    const duration ahead = due - self.loop_.refresh_now();
    if (ahead > shortest_sleep) {
      co_await loop::sleep_until(self.loop_, due - shortest_sleep);
    } else if (ahead > duration::zero()) {
      co_await loop::yield(self.loop_);
    } else {
      const auto sent = self.send_due(parts);
      if (!sent) co_return sent;
      co_await loop::yield(self.loop_);
    }
  }
  co_await self.until_all_are_out();
  auto verified = run.ledger.verify();
  if (verified) parts.stop();  // the consumers still wait in reserve, and no job will come
  co_return verified;
}

result<> open_load::send_due(task_group& parts) {
  const instant now = loop_.now();
  const std::size_t first = next_ % senders_.size();
  std::size_t touched = 0;
  for (; next_ < run_.jobs && run_.due(next_) <= now; ++next_, ++touched) {
    run_.ledger.put(1);
    if (run_.counts.counts(run_.due(next_))) run_.counts.lag.note(now - run_.due(next_));
    senders_[next_ % senders_.size()]->producer.put(next_);
  }
  for (std::size_t at = 0; at < std::min(touched, senders_.size()); ++at) {
    auto sent = send(*senders_[(first + at) % senders_.size()], parts);
    if (!sent) return sent;
  }
  return {};
}

result<> open_load::send(sender& to, task_group& parts) {
  if (to.busy) {
    // Rare. The task sends these bytes too. The sum over all connections limits how far the server may fall behind.
    std::size_t waiting = 0;
    for (const auto& each : senders_) waiting += each->producer.unsent().size();
    if (waiting <= unsent_bytes_max) return {};
    return said_by(to.connection,
                   {errc::refused, "it does not keep up with the rate: " + std::to_string(run_.ledger.inside()) +
                                       " jobs are inside or wait to be sent"});
  }
  auto& unsent = to.producer.unsent();
  boost::system::error_code failure;
  const std::size_t sent = to.connection.socket().write_some(boost::asio::buffer(unsent), failure);
  if (failure && failure != boost::asio::error::would_block) return to.connection.failed(failure);
  unsent.erase(0, sent);
  if (!unsent.empty()) {
    to.busy = true;
    parts.spawn("producer's rest", send_rest(*this, to));
  }
  return {};
}

loop::awaitable<result<>> open_load::send_rest(open_load&, sender& to) {
  while (!to.producer.unsent().empty()) {
    const std::string piece = std::exchange(to.producer.unsent(), {});
    const auto sent = co_await send_now(to.connection, piece);
    if (!sent) co_return sent;
  }
  to.busy = false;
  co_return all_well;
}

loop::awaitable<result<>> open_load::hear_replies(open_load& self, sender& to) {
  std::vector<char> buffer(read_bytes);
  for (;;) {
    const auto got = co_await read_now(to.connection, buffer);
    if (!got) co_return got.error();
    const auto taken = to.producer.take({buffer.data(), *got}, self.loop_.refresh_now());
    if (!taken) co_return said_by(to.connection, taken.error());
  }
}

loop::awaitable<result<>> open_load::consume(open_load& self, network::connection& server) {
  open_consumer consumer{self.run_};
  std::vector<char> buffer(read_bytes + self.run_.body_bytes);
  for (;;) {
    if (const auto piece = consumer.next_piece(); !piece.empty()) {
      const auto sent = co_await send_now(server, piece);
      if (!sent) co_return sent;
    }
    const auto got = co_await read_now(server, buffer);
    if (!got) co_return got.error();
    const auto taken = consumer.take({buffer.data(), *got}, self.loop_.refresh_now());
    if (!taken) co_return said_by(server, taken.error());
    if (self.run_.counts.asked == self.run_.counts.answers) self.all_answered_.wake_all();
  }
}

loop::awaitable<> open_load::until_all_are_out() {
  bool is_over = false;
  loop::deadline patience{loop_, [&] {
                            is_over = true;
                            all_answered_.wake_all();
                          }};
  const auto& counts = run_.counts;
  while (!is_over && (run_.ledger.inside() > 0 || counts.asked != counts.answers)) {
    patience.set(after(loop_.now(), last_jobs_patience));
    co_await all_answered_.wait();
  }
}

}  // namespace millrace::tools
