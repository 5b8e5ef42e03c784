#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <millrace/base/time.hpp>

#include "store/data_directory.hpp"
#include "store/lock_wait.hpp"
#include "store/wall_clock.hpp"

namespace millrace::store {

/// Sizes above which files are made smaller, in pages of 4 KiB.
struct file_limits {
  /// The log is copied into the data file when it has so many (16 MiB), or fewer when the disk is small: a page that
  /// changes again and again, as the edges of a queue do, is copied once; and the copying, which holds up the next
  /// commit, stays a matter of some tens of milliseconds. Of 4, 16 and 64 MiB (tests/bench/store_study.py, medians of
  /// 3): 16 connections of depth 32 with bodies of 4 KiB, 53 k, 69 k and 64 k jobs/s, with 14.6, 10.1 and 8.8 kB
  /// written for each job; 64 connections with bodies of 64 B, the same within 3 %.
  std::int64_t log_pages{4'096};
  /// Vacuum starts when free pages are more than 1/4 of all pages and more than `free_pages_most`. It stops at 1/16, or
  /// at `free_pages_kept`. The free pages that stay take the next changes.
  std::int64_t free_pages_most{1'024};
  std::int64_t free_pages_kept{256};
};

/// The parts of the system that a store uses and that tests replace. Its functions are called on the threads of the
/// loop, of the writer and of a backup.
struct store_context {
  const char* vfs{nullptr};  ///< SQLite's name of a file system; nullptr: the system's
  std::function<duration()> wall_offset{read_wall_offset};
  std::function<std::uint64_t(const std::string& path)> free_bytes{free_bytes_of};
  file_limits limits{};  ///< tests use small ones, so that upkeep runs after a few commits
  lock_wait_limits lock_limits{};
  bool (*is_interrupted)(){nullptr};  ///< true: a migration must stop, and leaves the file as it was
};

}  // namespace millrace::store
