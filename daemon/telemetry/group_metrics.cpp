#include "telemetry/group_metrics.hpp"

namespace millrace::telemetry {

group_copy copy_groups(const engine::engine& engine) { return {engine.group_count(), engine.groups_completed()}; }

void write(exposition& page, const group_copy& groups) {
  page.family(family_kind::gauge, "millrace_groups",
              "Groups that are open, have members that have not ended, or have an outcome to put.");
  page.sample({}, groups.unfinished);
  page.family(family_kind::counter, "millrace_groups_finished_total",
              "Groups that were closed, whose members had all ended, and whose outcome was put.");
  page.sample({}, groups.finished);
}

}  // namespace millrace::telemetry
