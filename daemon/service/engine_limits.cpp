#include "service/engine_limits.hpp"

namespace millrace::service {

engine::engine_options engine_limits(const settings::daemon_options& options) {
  engine::engine_options limits;
  limits.queues_max = options.queues_max;
  limits.groups_max = options.groups_max;
  limits.group_members_max = options.group_members_max;
  limits.metrics_linger = options.metrics_linger;
  limits.body_memory_max = options.store.memory_limit;
  limits.body_prefetch = options.store.body_prefetch;
  return limits;
}

}  // namespace millrace::service
