#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include <millrace/base/ids.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "broker/commit_tracker.hpp"
#include "broker/subscription.hpp"
#include "engine/change.hpp"
#include "engine/engine.hpp"
#include "engine/state_observer.hpp"
#include "loop/trace_lane.hpp"
#include "loop/trace_recorder.hpp"

namespace millrace::broker {

/// Adds to a trace (loop/trace_recorder.hpp) which states jobs enter, and when their puts and ends are on disk.
///
/// Belongs to the broker, on the loop's thread. While no trace runs, the engine does not know it.
class job_trace final : public engine::state_observer {
 public:
  /// Changes of jobs that wait for their batch. Of further ones the commit is not shown.
  static constexpr std::size_t waiting_max = 100'000;

  job_trace(loop::event_loop& loop, engine::engine& engine, commit_tracker& commits);
  ~job_trace() override;
  job_trace(const job_trace&) = delete;
  job_trace& operator=(const job_trace&) = delete;

  /// A trace has begun.
  void begin();
  void on_state(job_id job, queue_id queue, std::optional<engine::job_state> state) override;
  /// Whether changes are to be noted. A state alone says nothing of the disk: jobs that are read at the start enter
  /// theirs, too, and not every state is written.
  [[nodiscard]] bool watches() const noexcept { return watches_; }
  /// Of the command at hand, before the store takes them.
  void note(const engine::change_set& changes);
  /// The changes of the command at hand are in that batch.
  void handed_over(store::batch_id batch);

 private:
  /// The trace that runs; null: it has ended, and the engine no longer calls the observer.
  loop::trace_recorder* running();
  void on_durable();
  std::string_view name_of(loop::trace_recorder& trace, queue_id queue);

  struct kept_name {
    queue_id queue{};
    std::string_view name;
  };
  struct waiting_batch {
    store::batch_id batch{0};
    instant since{};
    std::vector<job_id> jobs;
  };

  loop::event_loop& loop_;
  engine::engine& engine_;
  commit_tracker& commits_;
  std::array<kept_name, 16> names_;  ///< those used last
  std::vector<job_id> changed_;      ///< by the command at hand, to be written
  std::deque<waiting_batch> waiting_;
  std::size_t waiting_jobs_{0};
  bool watches_{false};
  loop::trace_lane lane_;
  subscription durable_;
};

}  // namespace millrace::broker
