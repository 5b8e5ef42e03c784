#pragma once

#include <cstdint>

#include "engine/engine.hpp"
#include "telemetry/exposition.hpp"

namespace millrace::telemetry {

/// A copy of the counts of groups. Made on the loop.
struct group_copy {
  std::uint64_t unfinished{0};  ///< open, or with members that have not ended, or with an outcome to put
  std::uint64_t finished{0};    ///< since the start
};

[[nodiscard]] group_copy copy_groups(const engine::engine& engine);

/// Any thread.
void write(exposition& page, const group_copy& groups);

}  // namespace millrace::telemetry
