#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace {

/// Blocks of at least this size are freed on a background thread, because the time to return memory to the system
/// grows with the block and would delay the loop.
inline constexpr std::size_t background_free_bytes_min = std::size_t{1} << 20;

/// Calls `::operator delete(memory)` on a background thread, or at once if that thread cannot be started. Any thread.
/// Requires: `memory` came from `::operator new`, has at least `background_free_bytes_min` bytes, and is not used any
/// more.
void free_in_background(void* memory) noexcept;

/// Returns when that thread has freed at least `blocks` since the program began. Any thread; for tests.
void wait_for_background_frees(std::uint64_t blocks);

}  // namespace millrace
