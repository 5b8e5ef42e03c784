#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <millrace/base/ids.hpp>

#include "store/batch.hpp"

namespace millrace::store {

/// Maps queues of the engine to their numbers in the file, and counts the rows of each. Queues come and go by the
/// million and their ids are reused, but their rows in the file must not pile up. So a queue without jobs may be
/// another one the next time: its name is asked again. From time to time rows of queues without jobs are dropped.
///
/// Owned by the store; loop thread only.
class queue_numbers {
 public:
  using names = std::function<std::string_view(queue_id)>;
  explicit queue_numbers(names ask) : ask_{std::move(ask)} {}

  /// A row of the file, at the start: its queue is in use and has so many jobs.
  void recovered(queue_number number, queue_id queue, std::string name, bool paused, std::uint64_t jobs);
  /// A number that is in the file, but of no queue in use.
  void forgotten(queue_number number, batch& open);
  /// Adds the row with the queue's name to `open` if the file does not have it yet.
  queue_number number_of(queue_id queue, batch& open);
  /// The number of a queue whose pause ends; none if the file does not know the pause. Does not ask for the name,
  /// because often the pause ends when the queue is gone.
  [[nodiscard]] std::optional<queue_number> paused_number(queue_id queue) const;
  void job_added(queue_id queue);
  void job_removed(queue_id queue);
  void paused(queue_id queue, bool on);

  /// Rows of queues that have neither jobs nor a pause, kept for when they are used again.
  static constexpr std::size_t idle_most = 4'096;

 private:
  struct entry {
    queue_number number{0};
    std::uint64_t jobs{0};
    bool paused{false};
    std::string name;
  };
  void drop_idle(batch& open);
  queue_number next_number();

  names ask_;
  boost::unordered_flat_map<std::uint32_t, entry> known_;
  boost::unordered_flat_set<queue_number> used_;  ///< may stand in the file, so none of them is given out
  queue_number last_{0};                          ///< given out; after the highest comes 1
  std::size_t in_use_{0};                         ///< entries with jobs
};

}  // namespace millrace::store
