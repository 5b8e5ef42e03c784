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
#include "tools/joint_work.hpp"

namespace millrace::tools {

/// How long a server may take to accept a connection or to answer what is no load.
inline constexpr duration answer_patience = seconds{10};

/// The connections of one run to one server. Owned by the run; loop thread only.
class crew {
 public:
  /// As much as a kernel's socket gives at once when replies are many.
  static constexpr std::size_t read_bytes = 128u << 10;

  crew(loop::event_loop& loop, const network::address& server) : loop_{loop}, server_{server}, lines_{loop} {}

  /// Connects `count` times; each uses and watches one of `queues` alone, in turn.
  loop::awaitable<result<>> open(std::uint32_t count, const std::vector<std::string>& queues);
  [[nodiscard]] std::vector<std::unique_ptr<network::beanstalk_client>>& members() noexcept { return members_; }

  /// Each does its part of a closed loop, to the end of the plan.
  loop::awaitable<result<>> work(closed_run& run, joint_work& parts);

 private:
  static loop::awaitable<result<>> join_queue(crew& self, network::beanstalk_client& member, const std::string& queue);
  static loop::awaitable<result<>> work_alone(crew& self, network::beanstalk_client& member, closed_run& run);

  loop::event_loop& loop_;
  const network::address& server_;
  network::readiness lines_;
  std::vector<char> buffer_;
  std::vector<std::unique_ptr<network::beanstalk_client>> members_;
};

/// Sends `bytes`, which must outlive the call; what the socket takes at once leaves at once. No deadline: whoever watches the run cancels it.
loop::awaitable<result<>> send_now(network::connection& to, std::string_view bytes);
/// What came, at least one byte.
loop::awaitable<result<std::size_t>> read_now(network::connection& from, std::span<char> into);
/// The same complaint with the server's name before it.
[[nodiscard]] error said_by(const network::connection& server, error why);

}  // namespace millrace::tools
