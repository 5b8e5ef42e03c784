#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include <millrace/base/result.hpp>

#include "store/group_rows.hpp"
#include "store/open_batch.hpp"
#include "store/reader.hpp"
#include "store/store.hpp"

namespace millrace::store {

/// Brings back what a data file holds, in slices, so that its caller can do other work in between: first the queues,
/// then groups, jobs, pauses and actions.
///
/// Owned by the store from `begin_recovery` until it ends; loop thread only. May be destroyed earlier: it writes
/// nothing to the file.
class recovery {
 public:
  /// All references outlive it.
  recovery(sqlite::connection& data, open_batch& open, duration wall_offset, instant now, recovery_sink sink,
           std::uint64_t body_bytes_max);

  /// Reads at most `rows_max` rows and, of bodies, less than `bytes_max` + `large_body_bytes`. Gives the id mark when
  /// nothing is left.
  [[nodiscard]] result<std::optional<std::uint64_t>> advance(std::size_t rows_max, std::size_t bytes_max);

 private:
  struct known_queue {
    kept_queue row;
    queue_id queue{};
    std::uint64_t jobs{0};
  };

  [[nodiscard]] result<cursor_step> advance(std::size_t& bytes);
  [[nodiscard]] result<cursor_step> take_queue();
  [[nodiscard]] result<cursor_step> take_group(std::size_t& bytes);
  [[nodiscard]] result<cursor_step> take_job(std::size_t& bytes);
  [[nodiscard]] result<cursor_step> take_actions();
  [[nodiscard]] cursor_step finish_queue();
  queue_id engine_queue(known_queue& known);

  sqlite::connection& data_;
  open_batch& open_;
  const instant now_;
  const recovery_sink sink_;
  enum class stage { queues, groups, jobs, pauses, actions, done } stage_{stage::queues};
  queue_cursor queue_rows_;
  group_cursor group_rows_;
  job_cursor job_rows_;
  id_marks marks_;
  known_queues numbers_;
  std::unordered_map<queue_number, known_queue> queues_;
  std::unordered_map<queue_number, known_queue>::iterator next_queue_;  ///< to be finished
  engine::kept_group group_;
  job_row row_;
  known_queue* queue_of_job_{nullptr};  ///< of the last job: most of the time it is that of the next one as well
};

}  // namespace millrace::store
