#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

#include "engine/change.hpp"
#include "store/batch.hpp"
#include "store/batch_rows.hpp"
#include "store/data_directory.hpp"
#include "store/store.hpp"

namespace millrace::store {

/// Loads jobs from elsewhere into an empty data directory: all of them or, when anything fails before `finish`, none.
/// Times are those of the wall clock, as instants since 1970. One thread; the directory outlives it.
class bulk_load {
 public:
  /// Refused: a directory that has jobs.
  [[nodiscard]] static result<bulk_load> begin(const data_directory& directory);

  /// `job.queue` is not looked at. Buried jobs come in the order in which they were buried. Refused: an id that was
  /// there before.
  [[nodiscard]] result<> add(engine::kept_job&& job, std::string_view queue);
  [[nodiscard]] result<> pause(std::string_view queue, instant until, duration length);
  /// Replaces the stored position of the producer. Refuses a producer that was added before.
  [[nodiscard]] result<> add_position(kept_position&& position);
  /// Its members that have ended follow, before the next group. Refuses a group that was added before.
  [[nodiscard]] result<> add_group(engine::kept_group&& group);
  /// Refuses a member of another group than the last one, and places that do not rise.
  [[nodiscard]] result<> add_member(engine::group_id group, std::uint32_t place, engine::group_member&& member);
  /// The members of the last group are not complete: its counts become those of the members that came.
  void cut_group();
  /// Refuses an action that was added before.
  [[nodiscard]] result<> add_action(std::uint64_t number, std::string description);
  /// New ids of groups will begin above this one.
  void mark_group_ids(std::uint64_t up_to) noexcept { open_.groups.mark_ids(up_to); }
  /// New job ids will begin above this one. Refuses an id above `job_id_max`.
  [[nodiscard]] result<> mark_ids(std::uint64_t up_to);
  [[nodiscard]] result<> finish();

  [[nodiscard]] std::uint64_t jobs() const noexcept { return ids_.size(); }

 private:
  bulk_load(const data_directory& directory, sqlite::connection data, batch_rows rows)
      : directory_{directory}, data_{std::move(data)}, rows_{std::move(rows)} {}
  queue_number number_of(std::string_view queue);
  [[nodiscard]] result<> end_group();
  [[nodiscard]] result<> write();

  const data_directory& directory_;
  sqlite::connection data_;
  batch_rows rows_;
  batch open_;
  boost::unordered_flat_map<std::string, queue_number> queues_;
  boost::unordered_flat_set<std::uint64_t> ids_, groups_, actions_;
  engine::kept_group group_;                            ///< the last one; of its members only the places
  std::map<std::string, engine::source_name> sources_;  ///< by producer; the batch points to them
  queue_number last_queue_{0};
  std::uint64_t last_bury_sequence_{0};
};

}  // namespace millrace::store
