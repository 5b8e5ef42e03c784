#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "loop/stall_watch.hpp"
#include "network/listener.hpp"
#include "telemetry/exposition.hpp"
#include "telemetry/process.hpp"

namespace millrace::telemetry {

/// The counts of a listener under the name of its protocol.
struct named_listener {
  std::string protocol;
  const network::listener_counts* counts;
};

/// The last reload of the settings. The start counts as one.
struct reload_facts {
  bool successful{true};
  double last_success_seconds{0};  ///< since 1970
};

/// A copy of the counts of the loop and the listeners. Made on the loop.
struct system_copy {
  struct listener {
    std::string protocol;
    std::uint64_t connections, opened;
    std::vector<std::pair<std::string_view, std::uint64_t>> errors;
  };

  folded_histogram loop_lag;
  std::uint64_t loop_busy_nanoseconds{0};
  std::vector<loop::stall_count> stalls;
  std::vector<listener> listeners;
  std::optional<reload_facts> reload;
  std::string version;
  bool draining{false};
};

[[nodiscard]] system_copy copy_system(const loop::event_loop& loop, const loop::stall_watch& stalls,
                                      const std::vector<named_listener>& listeners, const shown_buckets& buckets);

/// Any thread.
void write(exposition& page, const system_copy& system, const process_facts& process);

}  // namespace millrace::telemetry
