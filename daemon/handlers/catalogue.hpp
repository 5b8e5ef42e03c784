#pragma once

#include <millrace/handlers/registry.hpp>

namespace millrace::handlers {

/// Adds all built-in handlers. `service` calls it once. Static objects that register themselves would not be linked
/// from a static library.
void add_all(registry& kinds);

}  // namespace millrace::handlers
