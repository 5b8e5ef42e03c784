#pragma once

#include <millrace/sources/registry.hpp>

namespace millrace::sources {

/// Adds all built-in sources. `service` calls it once. Static objects that register themselves would not be linked from
/// a static library.
void add_all(registry& kinds);

}  // namespace millrace::sources
