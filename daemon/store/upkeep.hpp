#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <millrace/base/result.hpp>

#include "store/ballast.hpp"
#include "store/data_directory.hpp"
#include "store/file_guard.hpp"
#include "store/lock_wait.hpp"
#include "store/options.hpp"
#include "store/sqlite.hpp"
#include "store/store_context.hpp"

namespace millrace::store {

/// Bytes of a data file and of the pages in its log.
[[nodiscard]] std::uint64_t bytes_of(sqlite::connection& data);

/// Keeps the files of a store small and space on its disk free: copies the log into the data file before the log is too
/// long for what is free, returns free pages, holds the ballast and gives it up.
///
/// Belongs to the writer. Writer thread only, unless a member says otherwise. Errors that pass (`refused`: no space,
/// `timed_out`: a lock) are not returned, because upkeep runs again; all others are.
class upkeep {
 public:
  /// All outlive it. Looks at the disk at once.
  upkeep(sqlite::connection& data, const data_directory& directory, const store_options& options,
         const store_context& context);

  /// An error: a file of the store was deleted, replaced or truncated, so no change that was written is durable.
  [[nodiscard]] result<> check_files();
  /// Before a commit: the log still has all its pages. A write behind the end of a truncated log makes it as long as it
  /// should be, so afterwards its size says nothing.
  [[nodiscard]] result<> check_log();
  /// Before a commit: what it read through the index of the log was up to date.
  [[nodiscard]] result<> check_index() { return files_.check_index(); }

  /// Reads how much is free, and decides whether puts are refused and whether the ballast may exist.
  void look_at_space();
  /// A write found no space; `message` is SQLite's. The disk counts as short of space until `look_at_space` finds
  /// some. Frees what can be freed.
  [[nodiscard]] result<> free_space(std::string_view message);

  enum class next { nothing, soon, later };
  /// The work that is left when nothing is to be written. `later`: the disk is full, or a reader is in the way, so that
  /// an immediate attempt would fail.
  [[nodiscard]] next what_is_left() const noexcept;
  /// Within a transaction of the caller, as its last part: returns some free pages, and counts the pages, which takes
  /// locks outside a transaction. Returns `refused` too.
  [[nodiscard]] result<> before_commit();
  /// Between transactions, when the next one may be waiting.
  [[nodiscard]] result<> after_commit();
  /// Between transactions, when no batch waits.
  [[nodiscard]] result<> when_idle();
  /// Between transactions, while there is no space: the log stays as short as it can be.
  [[nodiscard]] result<> after_piece();

  /// After a commit, for `file_bytes`.
  void note_size();

  /// Any thread.
  [[nodiscard]] bool short_of_space() const noexcept { return short_of_space_.load(std::memory_order_relaxed); }
  /// Any thread: bytes that were free, with the ballast, at the last look.
  [[nodiscard]] std::uint64_t free_and_ballast_bytes() const noexcept {
    return free_and_ballast_bytes_.load(std::memory_order_relaxed);
  }
  /// Any thread: bytes of the ballast at the last look.
  [[nodiscard]] std::uint64_t ballast_bytes() const noexcept { return ballast_bytes_.load(std::memory_order_relaxed); }
  /// Any thread: of the data file and its log, when they changed last.
  [[nodiscard]] std::uint64_t file_bytes() const noexcept { return file_bytes_.load(std::memory_order_relaxed); }

 private:
  void no_space(std::string_view message);
  [[nodiscard]] result<> keep_log_short(bool has_time);
  /// Whether the log is cut to nothing once it is copied.
  enum class log_end { keep, cut };
  [[nodiscard]] result<> copy_log(log_end end);
  [[nodiscard]] result<> count_pages();
  void plan_pages();
  [[nodiscard]] result<> give_pages(std::size_t count);
  [[nodiscard]] std::int64_t log_pages_most() const noexcept;
  [[nodiscard]] result<bool> copy_log_once(log_end end);
  [[nodiscard]] result<std::int64_t> number(std::optional<sqlite::statement>& kept, const char* query);

  sqlite::connection& data_;
  std::optional<sqlite::statement> count_pages_;  ///< prepared once, since both run with each commit
  std::optional<sqlite::statement> count_free_pages_;
  const std::string directory_;
  const std::uint64_t reserve_;
  const store_context& context_;
  ballast ballast_;
  file_guard files_;
  wait_log copying_;  ///< while others keep the log from being copied
  std::atomic<std::uint64_t> free_and_ballast_bytes_{0};
  std::atomic<std::uint64_t> ballast_bytes_{0};
  std::atomic<std::uint64_t> file_bytes_{0};
  std::atomic<bool> short_of_space_{false};
  std::int64_t pages_{0};          ///< of the data file, as counted last
  std::int64_t free_pages_{0};     ///< of them, those that hold nothing
  bool has_pages_to_give_{false};  ///< vacuum is running: see `file_limits`
  bool truncate_pending_{false};   ///< vacuum has ended, and the log has not been truncated since
  bool truncate_blocked_{false};   ///< by a reader, at the last attempt
  bool last_step_failed_{false};   ///< of space or a lock
};

}  // namespace millrace::store
