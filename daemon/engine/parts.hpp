#pragma once

#include <deque>
#include <memory>

#include "engine/core.hpp"
#include "engine/engine.hpp"
#include "engine/entry_order.hpp"

namespace millrace::engine {

/// The members of `engine`. Commands: engine.cpp and, on groups, group_commands.cpp. Walks over jobs: job_walk.cpp.
/// Queries: queries.cpp. Restoring: restoring.cpp.
struct engine::parts : core {
  using core::core;

  std::unique_ptr<entry_order> restored_order;  ///< while `end_restoring` puts jobs in order
  bool in_order{false};                         ///< `end_restoring` has put all jobs in order
  std::deque<job_id> handed_out;  ///< restored jobs whose holder never answered, until `end_restoring` decides on them
};

}  // namespace millrace::engine
