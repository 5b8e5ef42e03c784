#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/result.hpp>
#include <millrace/loop/event_loop.hpp>

#include "network/beanstalk_client.hpp"
#include "network/readiness.hpp"
#include "tools/closed_cycle.hpp"
#include "tools/task_group.hpp"

namespace millrace::tools {

/// How long a server may take to accept a connection, or to answer a command that is not part of the load.
inline constexpr duration answer_patience = seconds{10};

/// The connections of one run to one server. Owned by the run; loop thread only.
class connection_group {
 public:
  /// The most that a socket returns at once when there are many replies.
  static constexpr std::size_t read_bytes = 128u << 10;

  connection_group(loop::event_loop& loop, const network::address& server)
      : loop_{loop}, server_{server}, readiness_{loop} {}

  /// Connects `count` times. Each connection uses and watches only one of `queues`, assigned in turn.
  loop::awaitable<result<>> open(std::uint32_t count, const std::vector<std::string>& queues);
  [[nodiscard]] std::vector<std::unique_ptr<network::beanstalk_client>>& members() noexcept { return members_; }

  /// Runs a closed loop on all connections until the plan is done.
  loop::awaitable<result<>> work(closed_run& run, task_group& parts);

 private:
  static loop::awaitable<result<>> join_queue(connection_group& self, network::beanstalk_client& member,
                                              const std::string& queue);
  static loop::awaitable<result<>> work_alone(connection_group& self, network::beanstalk_client& member,
                                              closed_run& run);

  loop::event_loop& loop_;
  const network::address& server_;
  network::readiness readiness_;
  std::vector<char> buffer_;
  std::vector<std::unique_ptr<network::beanstalk_client>> members_;
};

/// Sends `bytes` without a deadline: the run is cancelled when the server stops answering. Requires: `bytes` outlives
/// the call.
loop::awaitable<result<>> send_now(network::connection& to, std::string_view bytes);
/// Receives at least one byte.
loop::awaitable<result<std::size_t>> read_now(network::connection& from, std::span<char> into);
/// The same error with the name of the server before its text.
[[nodiscard]] error said_by(const network::connection& server, const error& failure);

}  // namespace millrace::tools
