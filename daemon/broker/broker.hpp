#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <millrace/base/ids.hpp>
#include <millrace/base/result.hpp>
#include <millrace/loop/event_loop.hpp>

#include "broker/decision.hpp"
#include "broker/source_steps.hpp"
#include "engine/engine.hpp"
#include "loop/backpressure.hpp"
#include "store/store.hpp"

namespace millrace::broker {

/// The engine alive on the loop: asks it at the loop's `now`, keeps one alarm at its next deadline, wakes the coroutines for which it decided
/// something, and hands its changes to the store. One thread, no mutex.
///
/// Whoever uses it opens a session; a session does one thing at a time. The plain calls never suspend; the coroutines suspend only when they must wait
/// and throw operation_aborted when their task is cancelled (then nothing was granted, put or finished: what had been decided already is returned instead).
class broker {
 public:
  broker(loop::event_loop& loop, store::store& store, engine::engine_options limits = {});
  ~broker();
  broker(const broker&) = delete;
  broker& operator=(const broker&) = delete;

  // Setting up.
  result<queue_id> declare(std::string_view name, const engine::queue_options& options);
  void set_queue_defaults(const engine::queue_options& options);
  [[nodiscard]] std::optional<queue_id> find(std::string_view name) const;
  /// The queue of that name; declared with the defaults if there is none.
  result<queue_id> find_or_declare(std::string_view name);
  /// What a store kept is put into this engine, before anything but declarations. Until `end_restore` the loop may turn, but nothing is done that is due,
  /// and nothing may be asked of the broker that changes a job.
  engine::engine& begin_restore();
  /// Ids begin above `mark`.
  void end_restore(std::uint64_t mark);
  session_id open_session();
  /// Gives back what it holds, in turns.
  loop::awaitable<> close_session(session_id session);
  /// One turn of that, for those whose task was cancelled and who may not wait: true when it is closed.
  bool try_close_session(session_id session);
  result<queue_id> use(session_id session, std::string_view queue);
  result<std::size_t> watch(session_id session, std::string_view queue);
  result<std::size_t> ignore(session_id session, std::string_view queue);

  // Producing. `waiting` means: `put_admitted` must be awaited next. `no_space`: `job` is untouched. `step` is kept in the same commit as the job.
  engine::put_answer try_put(session_id session, queue_id queue, engine::put_request&& job,
                             const source_step* step = nullptr);
  /// `waiting` means: `by` will be told.
  engine::put_answer put(session_id session, queue_id queue, engine::put_request&& job, decision_taker& by);
  /// The id of the job that waited in line once it is in.
  loop::awaitable<job_id> put_admitted(session_id session);

  /// Whether what is put into that queue is on disk.
  [[nodiscard]] bool keeps(queue_id queue) const;
  /// A producer whose steps are kept with its jobs. Once for each, at the start. Requires: its queue is on disk.
  const engine::source_name* name_source(std::string_view producer, std::string_view kind);
  /// What was kept of that producer before the start.
  [[nodiscard]] std::optional<store::kept_position> position_of(std::string_view producer) const;

  /// A put into that queue would be refused because the disk is short of space. Nobody is told when that ends.
  [[nodiscard]] bool short_of_space(queue_id queue) const;

  // Consuming. `try_reserve` answers `timed_out` when there is nothing now; `waiting`: a job's body comes from disk, `granted` must be awaited next.
  engine::reserve_answer try_reserve(session_id session, engine::lease how);
  loop::awaitable<engine::reserve_answer> granted(session_id session);
  /// Waits until there is a job, or until `until`.
  loop::awaitable<engine::reserve_answer> reserve(session_id session, engine::lease how, instant until = never);
  /// `waiting` means: `by` will be told.
  engine::reserve_answer reserve(session_id session, engine::lease how, instant until, decision_taker& by);
  engine::reserve_answer reserve_job(session_id session, job_id job, decision_taker& by);
  /// The body of a job of which `job_facts` says that it is on disk only: `by` is told `shown`, or `not_found`.
  void show(session_id session, job_id job, decision_taker& by);
  /// Whoever waits as a taker does so no more: nothing was granted or put, and nothing will be told. Nothing if it does not wait.
  void withdraw(session_id session);
  /// `waiting`: for room in an output queue; `finished` must be awaited next.
  engine::finish_status try_finish(session_id session, engine::finish_request&& what);
  loop::awaitable<engine::finish_status> finished(session_id session, job_id job);
  bool release(session_id session, job_id job, engine::priority urgency, duration delay);
  bool bury(session_id session, job_id job, engine::priority urgency);
  bool touch(session_id session, job_id job);
  bool erase(session_id session, job_id job);

  // For whoever looks after queues.
  /// See engine::kick: call again with what is left.
  std::size_t kick(queue_id queue, std::size_t bound, engine::engine::kick_from& from);
  bool kick_job(job_id job);
  result<> pause(queue_id queue, duration length);

  // Being safe. With a store that remembers nothing all is safe at once.
  /// The newest batch that anybody waits for; what was decided for others than who gave the last command is safe with it. A lease of ids is one, too.
  [[nodiscard]] store::batch_id newest_batch() const noexcept;
  /// The batch that must be safe before the last command is acknowledged; 0: it may be at once.
  [[nodiscard]] store::batch_id batch_of_last_command() const noexcept;
  /// The batch that must be safe before any id is told, also by a command that changes nothing: that of a lease of ids; 0: there is none.
  [[nodiscard]] store::batch_id batch_of_ids() const noexcept;
  [[nodiscard]] bool is_safe(store::batch_id batch) const;
  /// The batch with which the changes of the last command will be safe, whether its reply waits for them or not; 0: it
  /// changed nothing durable.
  [[nodiscard]] store::batch_id batch_of_last_changes() const noexcept;
  /// Bytes of changes that the store still accepts; see backlog_share.
  [[nodiscard]] std::uint64_t backlog_room() const;
  loop::awaitable<> until_more_is_safe();
  /// The store writes so late that relaxed queues acknowledge only what is on disk.
  [[nodiscard]] bool store_lags() const;
  /// Commands of relaxed queues that were acknowledged and are not on disk; after a failure of the store they never
  /// will be.
  [[nodiscard]] std::uint64_t acknowledged_unsafe() const;
  /// `moved` is called when more has become safe, or nothing does any more: then `store_failure` says why. One listener.
  void when_safe(std::function<void()> moved);
  [[nodiscard]] std::string store_failure() const;
  /// Suspends until `batch` is safe.
  loop::awaitable<> until_safe(store::batch_id batch);

  /// `told` is called after each command by which a job left its queue or was put away other than by `finish`: whoever waits for queues to be empty looks
  /// again. One listener at a time; an empty function is none.
  void when_put_away(std::function<void()> told);

  /// Every put is refused from now on.
  void refuse_puts();

  /// For those who only look.
  [[nodiscard]] const engine::engine& looking() const noexcept;
  [[nodiscard]] const loop::backpressure& held_puts() const noexcept;
  [[nodiscard]] const loop::backpressure& held_outputs() const noexcept;
  /// Stops the alarm so that the loop can end; waiting coroutines must have ended.
  void close();

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::broker
