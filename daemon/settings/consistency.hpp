#pragma once

#include "settings/document.hpp"
#include "settings/settings.hpp"

namespace millrace::settings {

/// Checks rules across sections: queues that are not declared, cycles of outputs, a queue that is its own dead letter
/// queue, a handler that does not support its `run_on`. Warns of queues without a producer or a consumer. Adds each
/// dead letter queue that is not declared, with the defaults. `root` gives the positions of the diagnostics.
void check_consistency(settings& settings, const node& root, diagnostic_list& diagnostics);

}  // namespace millrace::settings
