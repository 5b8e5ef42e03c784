#pragma once

#include <millrace/sources/registry.hpp>

namespace millrace::sources {

/// The sources built in, one line each. Called once by whoever composes the program: registering by a static object
/// would vanish when linked from a static library.
void add_all(registry& all);

}  // namespace millrace::sources
