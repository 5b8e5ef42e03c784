#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <millrace/base/result.hpp>
#include <millrace/loop/task.hpp>
#include <millrace/sources/source.hpp>

#include "broker/broker.hpp"
#include "workload/options.hpp"

namespace millrace::workload {

/// How far a producer had read its source when it ended, for its next run in the same process.
struct progress_mark {
  const engine::source_name* source{nullptr};   ///< owned by the store
  std::optional<engine::source_place> reached;  ///< nullopt: it has put nothing, now or before the start
};

/// How far a producer has read its source, for a queue on disk. Each put carries a step, which the store commits
/// together with the job; after a restart the source goes on behind the last step that was committed. So each body is
/// put exactly once, whenever the program dies.
///
/// Belongs to a producer, on the loop's thread. The source outlives it.
class source_progress {
 public:
  /// None: nothing is stored, because the queue is in memory, or the source has no position. That is an error when
  /// `start: resume` was asked for. Called once for each run of a producer. `earlier`: the mark of its last run in this
  /// process, which is newer than the position that the store had at its start.
  [[nodiscard]] static result<std::optional<source_progress>> begin(broker::broker& broker, const producer_settings& of,
                                                                    queue_id queue, sources::source& source,
                                                                    const progress_mark* earlier);

  /// Bodies that were put or refused, also by earlier runs.
  [[nodiscard]] std::uint64_t bodies() const noexcept { return bodies_; }
  /// Brings the source behind the stored position, if there is one. Not empty: why that is not possible without leaving
  /// out or repeating bodies. To be awaited before the first body is asked for.
  loop::awaitable<std::string> resume();

  /// The step with the body that the source gave last.
  [[nodiscard]] const broker::source_step* step() {
    const auto reached = source_->reached();
    step_.to = {reached.place, reached.checksum, bodies_ + 1};
    return &step_;
  }
  /// That body was put, or refused.
  void body_taken() noexcept {
    ++bodies_;
    reached_ = step_.to;
  }
  /// Where the next run of the producer continues.
  [[nodiscard]] progress_mark mark() const { return {step_.source, reached_}; }

 private:
  source_progress(std::string producer, sources::source& source, const engine::source_name& name,
                  std::optional<store::kept_position> kept);

  std::string producer_;
  sources::source* source_;
  std::optional<store::kept_position> kept_;  ///< where to go on
  std::uint64_t bodies_{0};
  std::optional<engine::source_place> reached_;  ///< with the last body that was taken
  broker::source_step step_;
};

}  // namespace millrace::workload
