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

namespace millrace::telemetry {

/// How the last reading of the settings went. Without a time it was the one at the start of the process.
struct reload_facts {
    bool successful{true};
    std::optional<wall_time> succeeded_at;
};

/// A door under the name of its protocol.
struct named_door {
    std::string protocol;
    network::door_counts const* counts;
};

/// The loop, connections and settings, as copied on the loop.
struct system_copy {
    struct door {
        std::string protocol;
        std::uint64_t connections, opened;
        std::vector<std::pair<std::string_view, std::uint64_t>> errors;
    };

    folded_histogram loop_lag;
    std::uint64_t loop_busy_nanoseconds{0};
    std::vector<loop::stall_count> stalls;
    std::vector<door> doors;
    reload_facts reload;
    std::string version;
};

[[nodiscard]] system_copy copy_system(loop::event_loop const& loop, loop::stall_watch const& stalls,
                                      std::vector<named_door> const& doors, shown_buckets const& buckets);

/// What the operating system says of this process. Reads /proc: not on the loop's thread.
struct process_facts {
    double cpu_seconds{0};
    std::uint64_t resident_bytes{0}, virtual_bytes{0};
    std::uint64_t open_fds{0}, max_fds{0}, threads{0};
    double start_time_seconds{0}; ///< since 1970
};
[[nodiscard]] process_facts look_at_process();

/// On any thread but the loop's.
void write(exposition& page, system_copy const& system, process_facts const& process);

} // namespace millrace::telemetry
