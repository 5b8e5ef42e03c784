#pragma once

#include <cstdint>
#include <span>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

#include "store/batch.hpp"
#include "store/sqlite.hpp"

namespace millrace::store {

/// The statements that write a batch as rows, prepared once. Belongs to a connection and its thread.
class batch_rows {
 public:
  [[nodiscard]] static result<batch_rows> prepare(sqlite::connection& data);

  // Inside a transaction of the caller. Batches are sorted.
  [[nodiscard]] result<> write(const batch& changes, duration wall_offset);
  // Its parts.
  [[nodiscard]] result<> write_queues(const batch& changes, duration wall_offset);  ///< also id mark, positions
  [[nodiscard]] result<> remove(std::span<const job_id> jobs);
  [[nodiscard]] result<> move(std::span<const batch::moved_job> jobs, duration wall_offset);
  [[nodiscard]] result<> put(std::span<const batch::new_job> jobs, duration wall_offset);

 private:
  batch_rows() = default;
  [[nodiscard]] result<> put(const batch::new_job& job, duration wall_offset);
  [[nodiscard]] result<> put_plain(std::span<const batch::new_job> jobs, duration wall_offset);
  [[nodiscard]] result<> pause(const batch::pause& pause, duration wall_offset);

  sqlite::statement add_queue_, drop_queue_, pause_, mark_, position_, put_plain_, put_plain_rows_, put_, move_,
      remove_;
};

}  // namespace millrace::store
