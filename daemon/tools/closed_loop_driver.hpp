#pragma once

#include <span>
#include <string_view>

#include <millrace/base/result.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/wait_point.hpp>

#include "network/connection.hpp"
#include "network/plain_socket.hpp"
#include "network/readiness.hpp"
#include "tools/closed_cycle.hpp"

namespace millrace::tools {

/// Drives one connection of a closed loop: sends what its `closed_cycle` produces and passes it the replies. While it
/// works it takes the connection out of Asio, so that a reply costs one receive and a command one send, because a
/// server on the same machine shares the processor with the load.
///
/// Owned by the coroutine that waits in `work`; loop thread only.
class closed_loop_driver final : private network::readiness_listener {
 public:
  /// `buffer` may be shared with other drivers: nothing stays in it.
  closed_loop_driver(loop::event_loop& loop, network::readiness& among, std::span<char> buffer,
                     network::connection& over, closed_run& run);
  ~closed_loop_driver();
  closed_loop_driver(const closed_loop_driver&) = delete;
  closed_loop_driver& operator=(const closed_loop_driver&) = delete;

  /// Runs until the plan is done, and then returns the connection to Asio.
  loop::awaitable<result<>> work();

 private:
  void on_ready(network::ready_events events) override;
  void send_more();
  void end(result<> outcome);

  loop::event_loop& loop_;
  network::readiness& among_;
  std::span<char> buffer_;
  network::connection& over_;
  network::plain_socket socket_;
  closed_cycle cycle_;
  std::string_view unsent_;
  loop::wait_point ended_;
  result<> outcome_;
  bool watched_{false};
  bool waits_for_writable_{false};
};

}  // namespace millrace::tools
