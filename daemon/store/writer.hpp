#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

#include "loop/mailbox.hpp"
#include "store/batch.hpp"
#include "store/batch_rows.hpp"
#include "store/options.hpp"
#include "store/sqlite.hpp"
#include "store/store_context.hpp"
#include "store/upkeep.hpp"

namespace millrace::store {

/// The outcome of a commit.
struct commit_report {
  std::unique_ptr<batch> written;  ///< emptied, to be reused
  batch_id id{0};
  duration took{0};
  std::size_t jobs{0};
  std::uint64_t failed_attempts{0};
  std::string failure;  ///< not empty: this batch and all later ones are not durable
};

/// The writer's thread: makes each batch one transaction and one sync, reports it, and rings. Between batches it does
/// the upkeep of the files.
///
/// When there is no space on the disk or in memory, it frees what it can and tries the batch again, in pieces where
/// possible, until all of it is written; meanwhile `short_of_space` is true. It waits for a lock of another connection
/// or process, and logs that it waits. Any other error ends it, and so does a file that was deleted, replaced or
/// truncated: after a failed sync the state of the system's cache is unknown, so nothing is written any more. The files
/// are checked before each report, and each `look_every` when there is nothing to do.
///
/// Owned by the store on the loop's thread, which hands over one batch at a time. `end` stops it after its batch.
class writer {
 public:
  /// `no`: the commit is written but not synced, so a power loss may undo it.
  enum class sync { no, yes };
  static constexpr duration look_every = std::chrono::seconds{1};
  /// How long a batch waits for a lock after `limit_waits`; then it fails.
  static constexpr duration lock_wait_at_end_max = std::chrono::seconds{3};

  /// From now on only the writer's thread uses `data`. `directory` outlives it.
  writer(sqlite::connection data, batch_rows rows, const data_directory& directory, const store_options& options,
         store_context context, loop::mailbox& to_loop);
  ~writer();  ///< ends and joins
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;

  /// Loop thread. Requires: the previous batch was reported.
  void commit(std::unique_ptr<batch> changes, sync mode);
  /// Loop thread: the outcome of the batch, once.
  [[nodiscard]] std::optional<commit_report> take_report();
  /// Loop thread: not empty, once: upkeep failed between two batches, and no later batch becomes durable.
  [[nodiscard]] std::string take_failure();
  /// Loop thread: from now on a batch that finds no space fails, and one that waits for a lock fails after
  /// `lock_wait_at_end_max`.
  void limit_waits();
  /// Loop thread: finishes the batch at hand, tidies up, and rings.
  void end();
  /// Loop thread: the thread has nothing left to do; destroying it does not block.
  [[nodiscard]] bool ended() const noexcept { return ended_.load(std::memory_order_acquire); }

  /// Any thread. Rises at least each `look_every`, also while the thread waits for space or for a lock. It stands still
  /// while a call of the system does not return, and once the store has failed.
  [[nodiscard]] std::uint64_t heartbeat() const noexcept { return heartbeat_.load(std::memory_order_relaxed); }
  /// Any thread.
  [[nodiscard]] bool short_of_space() const noexcept { return upkeep_.short_of_space(); }
  /// Any thread; see upkeep.
  [[nodiscard]] std::uint64_t free_and_ballast_bytes() const noexcept { return upkeep_.free_and_ballast_bytes(); }
  [[nodiscard]] std::uint64_t ballast_bytes() const noexcept { return upkeep_.ballast_bytes(); }
  [[nodiscard]] std::uint64_t file_bytes() const noexcept { return upkeep_.file_bytes(); }

 private:
  struct work {
    std::unique_ptr<batch> changes;
    sync mode{sync::yes};
  };
  enum class next_thing { batch, upkeep, look, end };

  void serve();
  void beat() noexcept { heartbeat_.fetch_add(1, std::memory_order_relaxed); }
  next_thing wait(work& into);
  void carry_out(work& given);
  [[nodiscard]] result<> write(batch& changes, sync mode);
  [[nodiscard]] result<> set_sync(sync mode);
  [[nodiscard]] result<> write_whole(const batch& changes);
  [[nodiscard]] result<> write_in_pieces(const batch& changes, sync mode);
  template <class Rows>
  [[nodiscard]] result<> write_piece(Rows&& rows);
  [[nodiscard]] bool wait_for_space();
  [[nodiscard]] bool wait_for_lock(duration time);
  void report(commit_report&& done);
  void tell_failure();
  void check(const result<>& done, std::string_view doing);

  sqlite::connection data_;
  batch_rows rows_;
  const std::string directory_;
  const store_context context_;
  upkeep upkeep_;
  loop::mailbox& to_loop_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<work> given_;
  std::optional<commit_report> reported_;
  std::string failed_between_;
  std::optional<stopwatch> waits_limited_since_;  ///< none: waits for space and locks have no limit
  bool ending_{false};
  std::atomic<bool> ended_{false};
  std::atomic<std::uint64_t> heartbeat_{0};

  // The thread's own.
  std::string failure_;
  sync sync_{sync::yes};  ///< as the connection is set
  std::thread thread_;
};

}  // namespace millrace::store
