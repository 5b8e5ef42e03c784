#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

#include "store/batch.hpp"
#include "store/group_writer.hpp"
#include "store/sqlite.hpp"

namespace millrace::store {

/// The statements that write a batch as rows, prepared once. Belongs to a connection and its thread.
class batch_rows {
 public:
  [[nodiscard]] static result<batch_rows> prepare(sqlite::connection& data);

  // Inside a transaction of the caller. Batches are sorted.
  [[nodiscard]] result<> write(const batch& changes, duration wall_offset);
  // Its parts, in the order in which they are written. New queues come first, because jobs move into them, and dropped
  // ones last.
  [[nodiscard]] result<> add_queues(const batch& changes);
  [[nodiscard]] result<> remove(std::span<const job_id> jobs, std::span<const job_id> histories);
  [[nodiscard]] result<> move(std::span<const batch::moved_job> jobs, duration wall_offset);
  [[nodiscard]] result<> put(std::span<const batch::new_job> jobs, duration wall_offset);
  /// Marks, positions, groups, pauses and dropped queues.
  [[nodiscard]] result<> write_rest(const batch& changes, duration wall_offset);

 private:
  batch_rows() = default;
  [[nodiscard]] result<> remove_runs(sqlite::statement& from, std::span<const job_id> jobs);
  [[nodiscard]] result<> write_history(job_id job, const job_condition& condition, duration wall_offset);
  [[nodiscard]] result<> write_mark(std::string_view name, std::uint64_t value);
  [[nodiscard]] result<> put(const batch::new_job& job, duration wall_offset);
  [[nodiscard]] result<> put_plain(std::span<const batch::new_job> jobs, duration wall_offset);
  [[nodiscard]] result<> pause(const batch::pause& pause, duration wall_offset);

  sqlite::statement add_queue_, drop_queue_, pause_, mark_, position_, put_plain_, put_plain_rows_, put_, move_,
      remove_, history_, remove_history_;
  group_writer groups_;
};

}  // namespace millrace::store
