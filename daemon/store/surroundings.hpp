#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <millrace/base/time.hpp>

#include "store/data_directory.hpp"
#include "store/wall_clock.hpp"

namespace millrace::store {

/// What a store has from the system, and tests put something else in place of. Called on the loop's thread and on the writer's.
struct surroundings {
  const char* vfs{nullptr};  ///< SQLite's name of a file system; nullptr: the system's
  std::function<duration()> wall_offset{read_wall_offset};
  std::function<std::uint64_t(const std::string& path)> free_bytes{free_bytes_of};
};

}  // namespace millrace::store
