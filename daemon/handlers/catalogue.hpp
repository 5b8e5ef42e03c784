#pragma once

#include <millrace/handlers/registry.hpp>

namespace millrace::handlers {

/// The handlers built in, one line each. Called once by whoever composes the program: registering by a static object
/// would vanish when linked from a static library.
void add_all(registry& all);

}  // namespace millrace::handlers
