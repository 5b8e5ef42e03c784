#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <millrace/base/ids.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/wait_point.hpp>

#include "broker/broker.hpp"
#include "engine/command.hpp"
#include "loop/task_scope.hpp"

namespace millrace::workload {

/// `--mode sequential`: one permit for all consumers. Of the jobs that the engine would give each consumer next, the
/// one that became ready first gets the permit, of several the one with the lowest id. The next job gets it when this
/// job is settled or waits for its output: other consumers may empty the output queue meanwhile.
///
/// Owned by the workload, which runs it as the task `sequence`; loop thread. After `stop` no further job gets the
/// permit; the job that has it may end. A task that fails is logged and starts again after a `restart_pause`.
class sequence {
 public:
  struct turn {
    session_id session{};  ///< that holds the job
    engine::reserved_job job;
  };
  class member;

  sequence(loop::event_loop& loop, broker::broker& broker, std::function<void()> on_idle);
  ~sequence();
  sequence(const sequence&) = delete;
  sequence& operator=(const sequence&) = delete;

  /// Before `start`. Among members that would take the same job, the first to join gets it. `on_cancelled` is called
  /// when the job of its turn is cancelled, as that of a session (broker/broker.hpp).
  member& join(session_id session, engine::session_kind kind, std::vector<queue_id> queues,
               std::function<void(job_id)> on_cancelled);
  void start(loop::task_scope& scope);
  void stop();
  /// Sets the session of the member: the one it joined with, or a new one after `detach`.
  void attach(member& participant, session_id session);
  /// Call before the session of the member is closed, with the same `end`. A turn that it got but did not take is
  /// abandoned.
  void detach(member& participant, engine::session_end end);
  /// The member takes no turn any more. Requires: it is detached.
  void leave(member& participant);

  /// Suspends until the permit is given, with a job.
  loop::awaitable<turn> next(member& participant);
  /// The job of the turn was attempted and waits for its output: other members get turns meanwhile. The turn goes on
  /// until `done` or `abandon`.
  void return_permit(member& participant);
  /// The turn ends: its job is settled, or back in its queue.
  void done(member& participant);
  /// The turn ends, and its job becomes ready again, because its holder could neither settle it nor give it back.
  void abandon(member& participant, engine::session_end end);

 private:
  loop::awaitable<> run();
  loop::awaitable<> give_turns();
  loop::awaitable<engine::reserve_answer> reserve_any(session_id session);
  loop::awaitable<> rest_after(std::exception_ptr failure, duration length);
  [[nodiscard]] bool any_free() const;
  [[nodiscard]] member* first_by_time();
  [[nodiscard]] member* server_of(queue_id queue);
  void give(member& participant, turn&& next_turn);
  void free_permit();
  void note_free_members_changed();
  [[nodiscard]] session_id watch_all_session();
  void close_watch_all_session();
  void close(session_id session, engine::session_end end);

  loop::event_loop& loop_;
  broker::broker& broker_;
  std::function<void()> on_idle_;
  std::vector<std::unique_ptr<member>> members_;
  member* holder_{nullptr};         ///< that got the permit last
  session_id watch_all_session_{};  ///< watches the queues of all free members while nothing is ready
  loop::wait_point returned_;
  task_id task_{};
  bool permit_taken_{false};
  bool waits_{false};                 ///< for a job or for its restart: `stop` cancels this wait
  bool waits_for_any_{false};         ///< in `reserve_any`
  bool free_members_changed_{false};  ///< since `watch_all_session_` was opened
  bool closing_{false};
};

}  // namespace millrace::workload
