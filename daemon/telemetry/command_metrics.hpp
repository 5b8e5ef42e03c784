#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "beanstalk/counts.hpp"
#include "telemetry/exposition.hpp"
#include "wire/beanstalk_command.hpp"

namespace millrace::telemetry {

/// The commands of clients under the name of their protocol.
struct named_commands {
  std::string protocol;
  const beanstalk::session_counts* counts;
};

/// A copy of the commands of all protocols. Made on the loop.
struct command_copy {
  struct protocol_commands {
    std::string protocol;
    std::array<std::uint64_t, wire::beanstalk_verb_count> times{};
    std::array<folded_histogram, wire::beanstalk_verb_count> seconds;
    std::array<std::uint64_t, beanstalk::read_pause_names.size()> read_pauses{};
  };

  std::vector<protocol_commands> protocols;
};

[[nodiscard]] command_copy copy_commands(const std::vector<named_commands>& protocols, const shown_buckets& buckets);

/// Any thread.
void write(exposition& page, const command_copy& commands);

}  // namespace millrace::telemetry
