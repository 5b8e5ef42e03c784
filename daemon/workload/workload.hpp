#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "broker/broker.hpp"
#include "loop/backpressure.hpp"
#include "offload/thread_pool.hpp"
#include "workload/change.hpp"
#include "workload/counts.hpp"
#include "workload/options.hpp"

namespace millrace::workload {

struct workload_options {
  mode run_mode{mode::as_set};
  std::optional<std::uint64_t> limit{};  ///< `--limit`: for producers that would never end
  duration metrics_linger{minutes{15}};  ///< how long metrics show what a reload removed
  duration stall_threshold{milliseconds{100}};
};

/// All producers and consumers of the settings: started together, changed by a reload, drained together.
///
/// Owned by the daemon; loop thread. The error of `start` names the producer or consumer that cannot be made, for
/// example because a file is missing.
class workload {
 public:
  workload(loop::event_loop& loop, broker::broker& broker, offload::thread_pool& threads, workload_options options);
  ~workload();
  workload(const workload&) = delete;
  workload& operator=(const workload&) = delete;

  result<> start(const std::vector<producer_settings>& producers, const std::vector<consumer_settings>& consumers,
                 const sources::source_context& inputs, const handlers::handler_context& outputs);

  /// Makes the sources and handlers of a change, and changes nothing. The error names the one that cannot be made.
  [[nodiscard]] result<prepared_change> prepare(workload_change change, const sources::source_context& inputs,
                                                const handlers::handler_context& outputs) const;
  /// Applies a change. Removed producers end at once. Changed producers end at once and start again, except those with
  /// the same source, queue, `for`, `start`, `group` and `after`: their source continues, with the new options from the
  /// next body on. Removed and changed consumers reserve no further job. They may finish the jobs that they hold until
  /// `patience` is over; then these jobs become ready again. Changed consumers start again with the new settings. All
  /// others go on undisturbed. False: a drain began meanwhile, and not everything was applied.
  /// Requires: the queues exist; no other change is being applied.
  loop::awaitable<bool> apply(prepared_change change, duration patience);

  /// Suspends until the workload is idle, or until a drain or `stop` begins; then until all changes are durable. Idle:
  /// all producers have ended, no group is in progress, and no queue that a consumer serves has a ready, delayed or
  /// reserved job or a put that waits.
  loop::awaitable<> idle();
  /// True when nothing of the workload can go on before a full queue has capacity again: every producer that has not
  /// ended waits to put, every job that is worked on waits for its output queue, and no consumer with a free slot has a
  /// job to come.
  [[nodiscard]] bool held_by_full_queues() const;
  /// Whether all producers that are left wait for others (`after`) whose jobs or outcomes nobody takes, while nothing
  /// else goes on.
  [[nodiscard]] bool waits_for_unserved_jobs() const;
  /// Producers stop and no further job is reserved.
  void stop_taking();
  /// Calls `stop_taking`, and waits until all running jobs have ended. Jobs that still run when `patience` is over are
  /// cancelled: they become ready again, and their outcome counts as cancelled. Returns the number of such jobs.
  loop::awaitable<std::size_t> drain(duration patience);
  /// Calls `stop_taking`, and cancels all running jobs at once. Does not wait for their end: see `join`.
  void stop();
  /// Waits until all tasks have ended, and destroys the sources and handlers. Then rethrows the exception of a failed
  /// task, which the task scope has logged.
  loop::awaitable<> join();

  /// Handlers that keep files open open them again.
  void reopen_files();

  /// A drain has begun, or `stop` was called.
  [[nodiscard]] bool is_closing() const noexcept;
  void set_metrics_linger(duration linger);
  void set_stall_threshold(duration threshold);

  /// Whether metrics still show a producer or consumer that a reload removed at `removed_at`.
  [[nodiscard]] bool is_shown(instant removed_at, instant now) const noexcept;
  /// Counts of the producers and consumers of the settings, and of removed ones until a later change forgets them.
  [[nodiscard]] const std::vector<std::unique_ptr<producer_counts>>& producers() const noexcept;
  [[nodiscard]] const std::vector<std::unique_ptr<consumer_counts>>& consumers() const noexcept;
  /// The slot of a consumer that has that session, as in the list of tasks; empty if none has.
  [[nodiscard]] std::string slot_name(session_id session) const;
  /// Producers held by a full queue.
  [[nodiscard]] const loop::backpressure& held_producers() const noexcept;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::workload
