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

/// One connection's part in a closed loop: sends what its `closed_cycle` says and hands it what comes. It takes the connection out of Asio for as long
/// as it works, so that an answer costs one receive and a command one send: what the load costs, a server on the same machine does not get.
///
/// Belongs to the coroutine that waits in `work`; loop thread only.
class closed_line final : private network::readiness_listener {
 public:
  /// `buffer` may be shared: nothing stays in it.
  closed_line(loop::event_loop& loop, network::readiness& among, std::span<char> buffer, network::connection& over,
              closed_run& run);
  ~closed_line();
  closed_line(const closed_line&) = delete;
  closed_line& operator=(const closed_line&) = delete;

  /// To the end of the plan; the connection is then what it was.
  loop::awaitable<result<>> work();

 private:
  void told(network::readiness_news what) override;
  void send_more();
  void end(result<> how);

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
  bool asked_for_room_{false};
};

}  // namespace millrace::tools
