#include "network/lingering_close.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/error.hpp>

namespace millrace::network {

lingering_close::lingering_close(loop::event_loop& loop, readiness& sockets, plain_socket socket,
                                 std::span<char> buffer, std::function<void()> on_closed)
    : loop_{loop},
      sockets_{sockets},
      socket_{std::move(socket)},
      buffer_{buffer},
      on_closed_{std::move(on_closed)},
      next_check_{loop, [this] { on_check(); }} {}

bool lingering_close::begin() {
  socket_.shut_down_sending();
  if (sockets_.add(socket_.descriptor(), *this)) {
    close();
    return false;
  }
  watched_ = true;
  end_ = after(loop_.now(), time_max);
  next_check_.set(after(loop_.now(), silence_max));
  return true;
}

void lingering_close::close() noexcept {
  next_check_.clear();
  if (std::exchange(watched_, false)) sockets_.remove(socket_.descriptor(), *this);
  socket_.close();
}

/// One buffer for each event, so that a client which floods leaves the others their turns.
void lingering_close::on_ready(ready_events events) {
  const auto [received, failure] = socket_.receive(buffer_);
  if (failure == boost::asio::error::would_block) {
    if (events.hung_up) finish();
    return;
  }
  discarded_ += received;
  was_silent_ = false;
  // The end of the input, or of the connection.
  if (failure || discarded_ >= discarded_bytes_max) return finish();
  sockets_.announce_again(socket_.descriptor(), *this);
}

void lingering_close::on_check() {
  const instant now = loop_.now();
  const bool is_over = now >= end_ || (was_silent_ && !socket_.has_unacknowledged_bytes());
  if (is_over) return finish();
  was_silent_ = true;
  next_check_.set(std::min(end_, after(now, silence_max)));
}

void lingering_close::finish() {
  close();
  on_closed_();
}

}  // namespace millrace::network
