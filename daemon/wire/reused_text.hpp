#pragma once

#include <cstddef>
#include <string>

namespace millrace::wire {

/// The most memory that a text keeps which is filled again and again. A large message is rare, and there may be many
/// connections and processes.
inline constexpr std::size_t reused_bytes_max = std::size_t{64} * 1024;

/// Empties a text that will be filled again. A capacity of more than `reused_bytes_max` is freed.
inline void clear_reused(std::string& text) {
  text.clear();
  if (text.capacity() > reused_bytes_max) std::string{}.swap(text);
}

}  // namespace millrace::wire
