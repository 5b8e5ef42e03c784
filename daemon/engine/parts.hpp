#pragma once

#include "engine/core.hpp"
#include "engine/engine.hpp"

namespace millrace::engine {

/// What stands behind the class: its commands are in engine.cpp, those that only look in looking.cpp.
struct engine::parts : core {
  using core::core;
};

}  // namespace millrace::engine
