#pragma once

#include <cstdint>

namespace millrace::engine {

/// When a change of a queue may be acknowledged; a later value promises more.
enum class durability : std::uint8_t {
  memory,   ///< at once; the change is never written
  relaxed,  ///< at once; the change is written within the store's interval
  sync      ///< after the commit that holds the change
};

}  // namespace millrace::engine
