#pragma once

#include <memory>

#include "engine/core.hpp"
#include "engine/engine.hpp"
#include "engine/entry_order.hpp"

namespace millrace::engine {

/// What stands behind the class: its commands are in engine.cpp, those that only look in looking.cpp.
struct engine::parts : core {
  using core::core;

  std::unique_ptr<entry_order> restored_order;  ///< while `end_restoring` is not done
};

}  // namespace millrace::engine
