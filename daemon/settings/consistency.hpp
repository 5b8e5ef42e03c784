#pragma once

#include "settings/document.hpp"
#include "settings/settings.hpp"

namespace millrace::settings {

/// Checks across sections: queues that are named but not declared, cycles of outputs, a dead letter queue that is its
/// own, a handler that cannot run at its `run_on`. Queues that nothing feeds or drains are warnings. `root` gives the
/// place of each complaint. A dead letter queue that is not declared is added with the defaults.
void check_consistency(settings& what, const node& root, complaint_list& complaints);

}  // namespace millrace::settings
