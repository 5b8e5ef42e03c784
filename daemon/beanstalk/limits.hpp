#pragma once

#include <cstddef>
#include <cstdint>

#include <millrace/base/time.hpp>

#include "beanstalk/watermarks.hpp"

namespace millrace::beanstalk {

/// Limits of one connection and of all connections together.
struct session_limits {
  std::uint32_t job_bytes_max{65'535};     ///< a put beyond it is answered JOB_TOO_BIG; at most job_bytes_most
  std::size_t reply_bytes_max{1u << 20};   ///< unread replies of a client; beyond it the client is not read
  std::size_t input_bytes_max{64u << 10};  ///< commands behind one that waits; beyond it the client is not read
  /// Memory held for all clients together (`session_counts::held_bytes`). Beyond it each client gets one reply at a
  /// time and is not read while it waits, and a list of tubes or a put that would wait is answered OUT_OF_MEMORY.
  std::uint64_t all_held_bytes_max{256u << 20};
  /// What has arrived of unfinished bodies, all clients together; beyond it: OUT_OF_MEMORY.
  std::uint64_t all_bodies_bytes_max{256u << 20};
  duration first_command_deadline{seconds{60}};  ///< for a client that connects and sends no command

  [[nodiscard]] constexpr watermarks replies() const noexcept {
    return {.high = reply_bytes_max, .low = reply_bytes_max / 2};
  }
};
inline constexpr std::uint32_t job_bytes_most = 1u << 30;

}  // namespace millrace::beanstalk
