#pragma once

#include "engine/core.hpp"

namespace millrace::engine {

/// All that is known of a job. Requires: it is there.
[[nodiscard]] job_facts facts_of(const core& core, slot at);

}  // namespace millrace::engine
