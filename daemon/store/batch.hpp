#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <millrace/base/time.hpp>

#include "engine/change.hpp"
#include "store/batch_groups.hpp"
#include "store/store.hpp"

namespace millrace::store {

/// The number of a queue in the data file. Numbers rise; after the highest they begin at 1 again, without those in use.
using queue_number = std::uint32_t;

/// The part of a job that may change after its put.
struct job_condition {
  queue_number queue{0};
  engine::job_state state{engine::job_state::ready};
  engine::priority priority{0};
  duration delay{0};
  instant due{};
  std::uint64_t bury_sequence{0};  ///< when buried: rises with each job that is buried; else 0. Column `burying`.
  bool handed_out{false};
  engine::job_tally tally;
  std::string error_text;
  std::shared_ptr<const engine::job_details> details{};  ///< null: it has none

  /// Whether it has a row in table `job_history`.
  [[nodiscard]] bool has_history() const noexcept {
    return details || handed_out || !error_text.empty() || tally != engine::job_tally{};
  }
};

/// Changes that share one commit, folded: a job appears at most once. A put and a delete of the same job cancel out and
/// cost no row; what happens to a job that is put in this batch goes into its put; of several moves the last one
/// counts.
///
/// Filled on the loop, then owned by the writer until it is reported. A batch that is written twice, because the disk
/// was full the first time, gives the same rows but for times of the wall clock.
class batch {
 public:
  struct new_job {
    job_id job;
    duration ttr;
    instant put_at;
    job_condition condition;
    body content;
    bool gone{false};  ///< it was deleted again: no row
  };
  struct moved_job {
    job_id job;
    job_condition condition;
    bool drops_history{false};  ///< the file may have a history of it, and it has none any more
  };
  struct new_queue {
    queue_number number;
    std::string name;
  };
  struct pause {
    queue_number queue;
    instant until;
    duration length;
  };

  struct source_position {
    const engine::source_name* source;  ///< the store's; never changed
    engine::source_place at;
  };

  batch_id id{0};

  void put(engine::job_put&& job, queue_number queue, std::uint64_t bury_sequence);
  /// `queue`: the one that the job is in now. `had_history`: the file, or an earlier batch, may have a history of it.
  void move(engine::job_moved&& moved, queue_number queue, std::uint64_t bury_sequence, bool had_history);
  void remove(job_id job, bool had_history);
  void set_pause(queue_number queue, instant until, duration length);
  void add_queue(queue_number number, std::string name);
  void drop_queue(queue_number number);
  /// Of several positions of one source the last one counts.
  void set_position(const engine::source_name& source, const engine::source_place& at);
  void mark_ids(std::uint64_t up_to) noexcept;
  void clear();
  batch_groups groups;

  // Jobs are in order of id after `sort`, the rest in the order in which it was added.
  [[nodiscard]] const std::vector<new_queue>& new_queues() const noexcept { return new_queues_; }
  [[nodiscard]] const std::vector<new_job>& puts() const noexcept { return puts_; }
  [[nodiscard]] const std::vector<moved_job>& moves() const noexcept { return moves_; }
  [[nodiscard]] const std::vector<job_id>& removals() const noexcept { return removals_; }
  /// Of `removals`, those that may have a history.
  [[nodiscard]] const std::vector<job_id>& history_removals() const noexcept { return history_removals_; }
  [[nodiscard]] const std::vector<pause>& pauses() const noexcept { return pauses_; }
  [[nodiscard]] const std::vector<queue_number>& dropped_queues() const noexcept { return dropped_queues_; }
  [[nodiscard]] const std::vector<source_position>& positions() const noexcept { return positions_; }
  [[nodiscard]] std::uint64_t id_mark() const noexcept { return id_mark_; }  ///< 0: none
  /// Rows are cheaper to reach in the order in which they stand in the file. Nothing can be added afterwards.
  void sort();

  /// Jobs whose rows it writes.
  [[nodiscard]] std::size_t jobs() const noexcept {
    return puts_.size() - cancelled_ + moves_.size() + removals_.size();
  }
  [[nodiscard]] bool empty() const noexcept;
  /// What it holds in memory, bodies included.
  [[nodiscard]] std::uint64_t bytes() const noexcept;

 private:
  [[nodiscard]] new_job* find_put(job_id job);
  /// Forgets the move of this job, if there is one. True: it would have deleted a history.
  bool forget_move(job_id job);
  void replace(job_condition& old, job_condition&& now) noexcept;
  void drop_cancelled();

  std::vector<new_queue> new_queues_;
  std::vector<new_job> puts_;  ///< rising ids
  std::vector<moved_job> moves_;
  std::vector<job_id> removals_, history_removals_;
  std::vector<pause> pauses_;
  std::vector<queue_number> dropped_queues_;
  std::vector<source_position> positions_;
  boost::unordered_flat_map<std::uint64_t, std::size_t> index_of_move_;
  boost::unordered_flat_map<const engine::source_name*, std::size_t> index_of_position_;
  std::uint64_t id_mark_{0};
  std::size_t cancelled_{0};        ///< of `puts_`
  std::uint64_t content_bytes_{0};  ///< bodies and texts
};

}  // namespace millrace::store
