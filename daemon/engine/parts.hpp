#pragma once

#include <memory>

#include "engine/core.hpp"
#include "engine/engine.hpp"
#include "engine/entry_order.hpp"

namespace millrace::engine {

/// The members of `engine`. Commands: engine.cpp. Queries: queries.cpp. Restoring: restoring.cpp.
struct engine::parts : core {
  using core::core;

  std::unique_ptr<entry_order> restored_order;  ///< while `end_restoring` is not done
};

}  // namespace millrace::engine
