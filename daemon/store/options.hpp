#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <millrace/base/option.hpp>
#include <millrace/base/time.hpp>

namespace millrace::store {

/// Where, how soon, how much.
struct store_options {
  std::string data_dir;                                      ///< not empty; created if its parent is there
  duration relaxed_interval{std::chrono::milliseconds{50}};  ///< changes of relaxed queues are on disk after this time
  bool relaxed_sync{true};                                   ///< false: relaxed changes are written but not synced
  std::uint64_t store_pending_bytes_max{64ull << 20};        ///< beyond it `backlogged()` asks for a pause
  std::uint64_t disk_reserve{64ull << 20};                   ///< free space below which puts are refused
  std::optional<std::uint64_t> memory_limit{};               ///< of bodies; none: all of them stay in memory
  std::uint32_t body_prefetch{256};                          ///< jobs of a queue whose bodies are read ahead
};

/// How soon and how much; where is said elsewhere, since without it there is no store.
[[nodiscard]] const options_of<store_options>& store_option_table();

}  // namespace millrace::store
