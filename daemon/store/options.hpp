#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <millrace/base/option.hpp>
#include <millrace/base/time.hpp>

#include "engine/command.hpp"

namespace millrace::store {

/// SQLite's limit of a row (SQLITE_MAX_LENGTH), in bytes. A connection that has a lower one is refused.
inline constexpr std::uint32_t row_bytes_max = 1'000'000'000;
/// The largest body of a job that is kept on disk. Its row needs less than 200 bytes for the other columns; 1 KiB is
/// left for them, and as much as the longest error text takes: up to version 3 of the schema the error was in the
/// same row. The caller of a put checks this limit first, because a put that has run cannot be taken back.
inline constexpr std::uint32_t kept_job_bytes_max = row_bytes_max - engine::error_text_bytes_max - 1'024;

/// Location, intervals, limits. Sizes are in bytes.
struct store_options {
  std::string data_dir;                                      ///< not empty; created if its parent is there
  duration relaxed_interval{std::chrono::milliseconds{50}};  ///< changes of relaxed queues are on disk after this time
  duration relaxed_lag_max{std::chrono::seconds{5}};         ///< how late they may be before their replies wait
  bool relaxed_sync{true};                                   ///< false: relaxed changes are written but not synced
  std::uint64_t store_pending_bytes_max{16ull << 20};        ///< of changes that wait to be written
  std::uint64_t write_batch_max{2ull << 20};                 ///< of changes that share a commit
  std::uint64_t disk_reserve{64ull << 20};                   ///< free space below which puts are refused
  std::optional<std::uint64_t> memory_limit{};               ///< of bodies; none: all of them stay in memory
  std::uint32_t body_prefetch{256};                          ///< jobs of a queue whose bodies are read ahead
};

/// All options but `data_dir`, without which there is no store.
[[nodiscard]] const options_of<store_options>& store_option_table();

}  // namespace millrace::store
