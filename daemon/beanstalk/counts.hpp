#pragma once

#include <array>
#include <cstdint>

#include <millrace/base/counters.hpp>

#include "loop/backpressure.hpp"
#include "wire/beanstalk_command.hpp"

namespace millrace::beanstalk {

/// What all sessions together count. Loop thread only.
struct session_counts {
  /// Commands whose arguments could be read.
  std::array<counter, wire::beanstalk_verb_count> commands;
  /// From the reading of a command to the writing of its reply; of a reserve that waits, the wait included.
  std::array<histogram, wire::beanstalk_verb_count> seconds;
  std::uint32_t producers{0};    ///< open connections that ever put
  std::uint32_t workers{0};      ///< … that ever reserved
  std::uint32_t waiting{0};      ///< … that wait in a reserve
  std::uint64_t reply_bytes{0};  ///< that are kept for clients, all together
  loop::backpressure unread;     ///< connections that are not read because they do not read their replies

  [[nodiscard]] counter& command(wire::beanstalk_verb verb) noexcept {
    return commands[static_cast<std::size_t>(verb)];
  }
  [[nodiscard]] const counter& command(wire::beanstalk_verb verb) const noexcept {
    return commands[static_cast<std::size_t>(verb)];
  }
};

}  // namespace millrace::beanstalk
