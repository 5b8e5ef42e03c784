#pragma once

#include <cstdint>
#include <string>

#include "beanstalk/counts.hpp"
#include "beanstalk/limits.hpp"
#include "wire/beanstalk_command.hpp"

namespace millrace::beanstalk {

/// The state that all conversations share. Owned by `connection_set`; loop thread only.
struct conversation_context {
  conversation_context(const session_limits& for_each_session, std::string& spare_buffer)
      : limits{for_each_session}, spare{spare_buffer} {}

  /// Whether `bytes` more may be held for clients, all of them together.
  [[nodiscard]] bool has_memory_for(std::uint64_t bytes) const noexcept {
    return counts.held_bytes + bytes < limits.all_held_bytes_max;
  }

  session_limits limits;
  std::string& spare;  ///< the buffer in which replies are built, see network::outbox
  session_counts counts;
  bool draining{false};  ///< no job is given to any client
  beanstalk::reply_latency reply_latency;
  wire::body_budget bodies{};
};

}  // namespace millrace::beanstalk
