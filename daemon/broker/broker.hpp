#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <millrace/base/ids.hpp>
#include <millrace/base/result.hpp>
#include <millrace/loop/event_loop.hpp>

#include "broker/decision.hpp"
#include "broker/receipt.hpp"
#include "broker/source_steps.hpp"
#include "broker/subscription.hpp"
#include "engine/engine.hpp"
#include "loop/backpressure.hpp"
#include "store/store.hpp"

namespace millrace::broker {

/// The answer to a peek. `waiting`: the body comes from disk; the decision `shown` or `not_found` follows.
enum class peek_status { found, waiting, not_found };
struct peek_answer {
  peek_status status{peek_status::not_found};
  engine::job_facts job{};  ///< when `found`
};

/// A long action of a former process, by its number, as its owner described it.
using kept_action = std::pair<std::uint64_t, std::string>;

/// Runs the engine on the loop: gives it the loop's `now`, keeps one timer at its next deadline, hands its changes to
/// the store, and delivers its decisions to the sessions that wait.
///
/// Each command on jobs answers with a receipt, which says when that answer may leave (broker/receipt.hpp). Commands on
/// sessions and queues have none: the store has neither.
///
/// Owned by the composition, which destroys it after all sessions are closed. One thread, the loop's; no mutex. `close`
/// lets the loop end. A user opens a session; a session waits for one thing at a time. Plain calls never suspend.
/// Coroutines suspend only while they wait, and throw operation_aborted when their task is cancelled: then nothing was
/// granted, put or finished. A decision that was made before the cancellation is returned instead.
class broker {
 public:
  broker(loop::event_loop& loop, store::store& store, engine::engine_options limits = {});
  ~broker();
  broker(const broker&) = delete;
  broker& operator=(const broker&) = delete;

  // Queues and sessions.
  result<queue_id> declare(std::string_view name, const engine::queue_options& options);
  void set_queue_defaults(const engine::queue_options& options);
  /// The next four: see the functions of the same name of the engine.
  void undeclare(queue_id queue);
  void apply_queue_defaults(queue_id queue);
  void set_queues_max(std::uint32_t queues_max);
  void set_metrics_linger(duration linger);
  [[nodiscard]] std::optional<queue_id> find(std::string_view name) const;
  /// The queue of that name; declared with the defaults if there is none.
  result<queue_id> find_or_declare(std::string_view name);
  /// Recovery restores jobs in this engine, after the declarations. Until `end_restore` the loop may run, deadlines are
  /// not handled, and no command may be given.
  engine::engine& begin_restore();
  /// Ids begin above `mark`. Moves about `jobs_max` jobs: call again until true.
  bool end_restore(std::uint64_t mark, std::size_t jobs_max = SIZE_MAX);
  session_id open_session(engine::session_kind kind = engine::session_kind::plain);
  /// Releases the jobs that it holds, in turns. `end`: whether they were interrupted.
  loop::awaitable<> close_session(session_id session, engine::session_end end = engine::session_end::lost);
  /// One turn of that, for a task that was cancelled and may not wait: true when the session is closed.
  bool try_close_session(session_id session, engine::session_end end = engine::session_end::lost);
  /// `on_cancelled` is called with the id of each job that is cancelled while the session holds it without a deadline,
  /// until the session closes. The session does not hold that job any more. The call comes in the middle of another
  /// command: keep the id and continue at the next turn. Requires: no command is given from there.
  void set_on_cancelled(session_id session, std::function<void(job_id)> on_cancelled);
  result<queue_id> use(session_id session, std::string_view queue);
  result<std::size_t> watch(session_id session, std::string_view queue);
  result<std::size_t> ignore(session_id session, std::string_view queue);

  // Producing.
  /// `waiting`: `put_admitted` must be awaited next. `no_space`: `job` is untouched. `step` is committed with the job.
  receipted<engine::put_answer> try_put(session_id session, queue_id queue, engine::put_request&& job,
                                        const source_step* step = nullptr);
  /// `waiting`: `taker` receives the decision.
  receipted<engine::put_answer> put(session_id session, queue_id queue, engine::put_request&& job,
                                    decision_taker& taker);
  /// The id of the job that waited for capacity.
  loop::awaitable<receipted<job_id>> put_admitted(session_id session);

  /// Whether jobs of that queue are stored on disk.
  [[nodiscard]] bool is_on_disk(queue_id queue) const;
  /// Registers a producer whose steps are stored with its jobs. Once for each, at the start. Requires: its queue is on
  /// disk.
  const engine::source_name* name_source(std::string_view producer, std::string_view kind);
  /// The position of that producer that was stored before the start.
  [[nodiscard]] std::optional<store::kept_position> position_of(std::string_view producer) const;
  /// A put of `put_bytes` into that queue would be refused because the disk is short of space. Nothing announces when
  /// that ends.
  [[nodiscard]] bool short_of_space(queue_id queue, std::uint64_t put_bytes) const;

  // Consuming.
  /// `timed_out`: there is no job now. `waiting`: the job's body comes from disk; `granted` must be awaited next.
  receipted<engine::reserve_answer> try_reserve(session_id session, engine::lease lease);
  loop::awaitable<receipted<engine::reserve_answer>> granted(session_id session);
  /// Waits until there is a job, or until `until`.
  loop::awaitable<receipted<engine::reserve_answer>> reserve(session_id session, engine::lease lease,
                                                             instant until = never);
  /// `waiting`: `taker` receives the decision.
  receipted<engine::reserve_answer> reserve(session_id session, engine::lease lease, instant until,
                                            decision_taker& taker);
  receipted<engine::reserve_answer> reserve_job(session_id session, job_id job, decision_taker& taker);
  /// `waiting`: `taker` receives the decision.
  receipted<peek_answer> peek(session_id session, job_id job, decision_taker& taker);
  receipted<peek_answer> peek_ready(session_id session, queue_id queue, decision_taker& taker);
  receipted<peek_answer> peek_delayed(session_id session, queue_id queue, decision_taker& taker);
  receipted<peek_answer> peek_buried(session_id session, queue_id queue, decision_taker& taker);
  /// A job with all that is known of it. Its body is empty while it is on disk only; see `peek`.
  receipted<std::optional<engine::job_facts>> look(job_id job);
  /// Ends the wait of a taker: nothing was granted or put, and no decision follows. Nothing if it does not wait.
  void withdraw(session_id session);
  /// `waiting`: for capacity of an output queue; `finished` must be awaited next. `no_space`: `request` is untouched,
  /// since all its output queues block; nothing announces when there is space. An output queue that does not block
  /// fails the job with that reason.
  receipted<engine::finish_answer> try_finish(session_id session, engine::finish_request&& request);
  loop::awaitable<receipted<engine::finish_answer>> finished(session_id session, job_id job);
  receipted<bool> release(session_id session, job_id job, engine::priority priority, duration delay);
  receipted<bool> bury(session_id session, job_id job, engine::priority priority);
  receipted<bool> touch(session_id session, job_id job);
  receipted<bool> erase(session_id session, job_id job);
  /// See engine::cancel.
  receipted<bool> cancel(job_id job);

  // Groups: see the functions of the same name of the engine.
  receipted<result<engine::group_id>> open_group(session_id owner, engine::group_request&& request);
  receipted<std::optional<engine::group_id>> continue_group(session_id owner, std::string_view name);
  receipted<bool> release_group(engine::group_id group);
  receipted<bool> close_group(engine::group_id group);
  receipted<result<engine::group_id>> put_group(engine::group_request&& request, std::vector<engine::output>&& jobs);
  receipted<std::optional<engine::group_facts>> look_at_group(engine::group_id group);
  /// `on_group_over` is called after each command with which groups came to be over. No command may be given from
  /// there. Each subscription must end before the broker does.
  [[nodiscard]] subscription subscribe_group_over(std::function<void()> on_group_over);

  // Managing queues.
  /// See engine::kick: call again with what is left.
  receipted<std::size_t> kick(queue_id queue, std::size_t bound, engine::engine::kick_from& origin);
  receipted<bool> kick_job(job_id job);
  /// See engine::purge: call again until it deletes nothing.
  receipted<std::size_t> purge(queue_id queue, engine::job_state state, instant entered_until);
  receipted<result<>> pause(queue_id queue, duration length);

  // Finding and changing jobs: see the functions of the same names of the engine.
  std::optional<engine::cursor_id> open_cursor(queue_id queue, engine::job_state state, engine::cursor_owner owner);
  void close_cursor(engine::cursor_id cursor);
  engine::page_status begin_page(engine::cursor_id cursor, std::uint32_t page);
  receipted<engine::walk_step> find_jobs(engine::cursor_id cursor, const engine::job_filter& filter, std::size_t most,
                                         std::vector<engine::job_facts>& into);
  receipted<engine::walk_step> change_jobs(engine::cursor_id cursor, const engine::job_filter& filter,
                                           const engine::job_change& change, std::size_t most);
  void decide_body(engine::cursor_id cursor, job_id job, bool matches);
  receipted<engine::change_result> change_job(job_id job, const engine::job_change& change);
  /// Keeps what an action does, with the changes of the next command; the last description counts. Nothing without a
  /// persistent store.
  void keep_action(std::uint64_t action, std::string description);
  void forget_action(std::uint64_t action);
  /// Recovery gives back an action that a former process kept.
  void restore_action(std::uint64_t action, std::string description);
  /// All of those, once.
  [[nodiscard]] std::vector<kept_action> take_kept_actions();

  // Durability. With a store that is not persistent, everything is durable at once.
  [[nodiscard]] bool is_durable(const receipt& receipt) const;
  /// Suspends until the receipt's answer may leave.
  loop::awaitable<> until_durable(receipt receipt);
  /// Suspends until the answers of all commands given so far may leave.
  loop::awaitable<> until_all_durable();
  /// Suspends until more has become durable.
  loop::awaitable<> until_more_durable();
  /// `on_durable` is called when more has become durable, or when the store has failed: then `store_failure` says why.
  /// No command may be given from there. Any number of subscribers; each must end before the broker does.
  [[nodiscard]] subscription subscribe_durable(std::function<void()> on_durable);
  [[nodiscard]] bool store_has_failed() const;
  [[nodiscard]] std::string store_failure() const;
  /// Bytes of changes that the store still accepts; see backlog_share.
  [[nodiscard]] std::uint64_t backlog_left() const;
  /// The store writes so late that relaxed queues acknowledge only what is on disk.
  [[nodiscard]] bool store_lags() const;
  /// Commands of relaxed queues that were acknowledged and are not on disk; after a failure of the store they never
  /// will be.
  [[nodiscard]] std::uint64_t acknowledged_not_durable() const;

  /// `on_job_left` is called after each command with which a job ended, was buried or moved to another queue, or a
  /// waiting put was withdrawn: a caller that waits until queues are empty looks again. Each subscription must end
  /// before the broker does.
  [[nodiscard]] subscription subscribe_job_left(std::function<void()> on_job_left);

  /// A trace has begun (loop/trace_recorder.hpp): it shows the states of jobs from now on.
  void trace_jobs();

  /// Every put is refused from now on.
  void refuse_puts();

  /// For queries; every command goes through the broker.
  [[nodiscard]] const engine::engine& engine() const noexcept;
  [[nodiscard]] const loop::backpressure& held_puts() const noexcept;
  [[nodiscard]] const loop::backpressure& held_outputs() const noexcept;
  /// Stops the timer so that the loop can end. Requires: no coroutine waits.
  void close();

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::broker
