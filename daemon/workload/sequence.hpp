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
/// one that became ready first gets the permit, of several the one with the lowest id. The next follows when it is
/// settled. A consumer whose output would wait for capacity comes after all others: they may empty its output queue,
/// and could not while it waits with the permit.
///
/// Owned by the workload, which runs it as the task `sequence`; loop thread. `stop` lets the job that is out come to
/// its end. Should the task fail, it is logged and starts again after a `restart_pause`.
class sequence {
 public:
  struct turn {
    session_id session{};  ///< that holds the job
    engine::reserved_job job;
  };
  class member;

  sequence(loop::event_loop& loop, broker::broker& broker, std::function<void()> resting);
  ~sequence();
  sequence(const sequence&) = delete;
  sequence& operator=(const sequence&) = delete;

  /// Before `start`. Among members that would take the same job, the first to join gets it. `on_cancelled` is called
  /// when the job of its turn is cancelled, as that of a session (broker/broker.hpp).
  member& join(session_id session, std::vector<queue_id> queues, std::optional<queue_id> output,
               std::function<void(job_id)> on_cancelled);
  void start(loop::task_scope& scope);
  void stop();
  /// Sets the session of the member: the one it joined with, or a new one after `detach`.
  void attach(member& participant, session_id session);
  /// Call before the session of the member is closed. A turn that it got but did not take is abandoned.
  void detach(member& participant);

  /// Suspends until the permit is given, with a job.
  loop::awaitable<turn> next(member& participant);
  /// The job is settled, or back in its queue: the permit is free again.
  void done();
  /// Makes the job ready again, because its holder could neither settle it nor give it back.
  void abandon(const turn& abandoned);

 private:
  loop::awaitable<> run();
  loop::awaitable<> give_turns();
  loop::awaitable<> rest_after(std::exception_ptr failure, duration length);
  [[nodiscard]] member* first_by_time();
  [[nodiscard]] bool output_would_wait(const member& participant) const;
  [[nodiscard]] member& server_of(queue_id queue);
  void give(member& participant, turn&& next_turn);
  [[nodiscard]] session_id watch_all_session();
  void close_watch_all_session();

  loop::event_loop& loop_;
  broker::broker& broker_;
  std::function<void()> resting_;
  std::vector<std::unique_ptr<member>> members_;
  member* holder_{nullptr};         ///< that got the permit last
  session_id watch_all_session_{};  ///< watches all queues while nothing is ready
  loop::wait_point returned_;
  task_id task_{};
  bool permit_taken_{false};
  bool waits_{false};
  bool closing_{false};
};

}  // namespace millrace::workload
