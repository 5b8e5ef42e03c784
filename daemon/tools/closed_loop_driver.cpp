#include "tools/closed_loop_driver.hpp"

#include <utility>

#include <boost/asio/error.hpp>

#include "tools/connection_group.hpp"

namespace millrace::tools {

namespace asio = boost::asio;

closed_loop_driver::closed_loop_driver(loop::event_loop& loop, network::readiness& among, std::span<char> buffer,
                                       network::connection& over, closed_run& run)
    : loop_{loop},
      among_{among},
      buffer_{buffer},
      over_{over},
      socket_{over.take_out()},
      cycle_{run},
      ended_{loop, "the end of the load"} {}

closed_loop_driver::~closed_loop_driver() {
  if (watched_) among_.remove(socket_.descriptor(), *this);
}

loop::awaitable<result<>> closed_loop_driver::work() {
  if (const auto failure = among_.add(socket_.descriptor(), *this)) co_return over_.failed(failure);
  watched_ = true;
  cycle_.begin(loop_.refresh_now());
  send_more();
  while (watched_) co_await ended_.wait();
  over_.give_back(std::move(socket_));
  co_return outcome_;
}

void closed_loop_driver::on_ready(network::ready_events events) {
  if (events.writable) send_more();
  for (bool more = events.readable; more && watched_;) {
    const auto [got, failure] = socket_.receive(buffer_);
    if (failure == asio::error::would_block) return;
    if (failure) return end(over_.failed(failure));
    if (auto taken = cycle_.take({buffer_.data(), got}, loop_.refresh_now()); !taken)
      return end(said_by(over_, taken.error()));
    // A read that does not fill the buffer was the last one, except for an end of the stream.
    more = got == buffer_.size() || events.peer_shutdown || events.hung_up;
    send_more();
  }
}

void closed_loop_driver::send_more() {
  if (unsent_.empty()) unsent_ = cycle_.next_piece();
  if (!unsent_.empty()) {
    const auto [sent, failure] = socket_.send(unsent_);
    if (failure && failure != asio::error::would_block) return end(over_.failed(failure));
    unsent_.remove_prefix(sent);
    if (!unsent_.empty() && !std::exchange(waits_for_writable_, true))
      among_.watch_writable(socket_.descriptor(), *this);
  }
  if (cycle_.ended()) end(all_well);
}

void closed_loop_driver::end(result<> outcome) {
  outcome_ = std::move(outcome);
  watched_ = false;
  among_.remove(socket_.descriptor(), *this);
  ended_.wake_all();
}

}  // namespace millrace::tools
