#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/ids.hpp>
#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

#include "engine/change.hpp"
#include "engine/command.hpp"
#include "engine/job_walk.hpp"
#include "engine/options.hpp"
#include "engine/queue_counts.hpp"
#include "engine/queue_rows.hpp"

namespace millrace::engine {

class state_observer;

/// All jobs and queues, without any socket, thread, clock, file or logger. A command comes with the time and is
/// answered with its result. Decisions for other sessions that wait are in `take_events`, changes to be stored in
/// `take_changes`, and the time of the next call in `next_deadline`.
///
/// Semantics are those of the beanstalkd protocol's jobs and tubes. Ready order is (priority, id) over all watched
/// queues. A job that comes back takes the position that its id gives it. Waiters are served in the order in which they
/// began to wait. A lease ends at its deadline, even if no session waits for the job. In the last second of a lease, a
/// reserve of its holder is answered with `deadline_soon` instead of waiting.
///
/// A command that is handed `now` first does what is due then, as `advance` does: no command finds a job whose lease is
/// over, unless more than `moves_per_turn_max` things are due at once. A command that is not handed `now` happens at
/// the time of the last one that was: call `advance` first when that matters. For example, that time decides whether a
/// new queue continues the row in the metrics of an earlier queue of its name. Requires: the session of a command is
/// open, is not being closed, and waits for no put, job or body (asserted). While it waits, it may only be withdrawn or
/// closed; finishes that wait for capacity do not count. An id of a queue or job that is gone is answered as such.
///
/// One thread. `now` never goes back (asserted). A command costs what it moves, plus the watch list of its session, and
/// nothing that depends on how many queues, sessions or jobs there are (the deadline heap costs its logarithm).
class engine {
 public:
  explicit engine(engine_options limits = {});
  ~engine();
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  // --- queues --------------------------------------------------------------------------------------------------------
  /// Creates a queue that is never removed, or changes the options of an existing one. `refused` beyond `queues_max`.
  result<queue_id> declare(std::string_view name, const queue_options& options);
  /// The queue is no longer declared: it gets the default options (see `apply_queue_defaults`), keeps its jobs, and is
  /// removed when nothing uses it any more. Nothing if it is gone.
  void undeclare(queue_id queue);
  /// Options of queues that are created because a session names them.
  void set_queue_defaults(const queue_options& options);
  /// Gives the present defaults to a queue that is not declared, except for the durability: its jobs are on disk, or
  /// not, since their put. Nothing if it is declared or gone.
  void apply_queue_defaults(queue_id queue);
  /// Further queues are `refused` from this number on; those that exist stay. Requires: as for `engine_options`.
  void set_queues_max(std::uint32_t queues_max);
  /// Also for the rows of queues that were removed before.
  void set_metrics_linger(duration linger);
  [[nodiscard]] std::optional<queue_id> find(std::string_view name) const;
  [[nodiscard]] std::string_view name_of(queue_id queue) const;
  [[nodiscard]] const queue_options& options_of(queue_id queue) const;
  /// For `length`, no job of it is reserved, except by `reserve_job`. Zero ends a pause. Waiters are served when it
  /// ends.
  result<> pause(queue_id queue, duration length, instant now);

  // --- sessions ------------------------------------------------------------------------------------------------------
  /// A new session uses and watches nothing. Its events carry its id.
  session_id open_session(session_kind kind = session_kind::plain);
  /// Releases all jobs that it holds and ends all its waits: at most `moves_per_turn_max` jobs a call. Call until true.
  bool close_session(session_id session, instant now, session_end end = session_end::lost);
  /// `use` and `watch` create the queue if there is none: `refused` beyond `queues_max`.
  result<queue_id> use(session_id session, std::string_view name);
  /// Returns the number of queues that the session watches now. `refused` also beyond `watched_queues_max`.
  result<std::size_t> watch(session_id session, std::string_view name);
  /// `refused` for the only watched queue; fine for one not watched.
  result<std::size_t> ignore(session_id session, std::string_view name);
  [[nodiscard]] queue_id used(session_id session) const;
  [[nodiscard]] std::span<const queue_id> watched(session_id session) const;
  /// Whether any job is reserved by it.
  [[nodiscard]] bool holds_jobs(session_id session) const;
  /// Whether it waits for the body of a job that it holds.
  [[nodiscard]] bool awaits_body(session_id session) const;

  // --- restoring -----------------------------------------------------------------------------------------------------
  // The jobs that a store kept, after the declarations and before any command.
  /// The queue of that name. A queue that was not declared is removed when nothing uses it any more.
  queue_id restore_queue(std::string_view name);
  /// Requires: the queue is there and no job has that id, which is at most `job_id_max` (asserted). Jobs come in order
  /// of id, buried ones in the order in which they were buried. A ready job that was never taken or kicked entered its
  /// state with its put, or at the end of its delay. Of other ready jobs, and of buried ones, no store keeps the time
  /// of entry: they enter now.
  void restore(kept_job&& job, instant now);
  void restore_pause(queue_id queue, instant until, duration length, instant now);
  /// Ids begin above `mark`. Requires: it is at most `job_id_max` (asserted).
  void restore_ids(std::uint64_t mark);
  /// After the last restored job: the first of each state is again the one longest in it, whatever its id. Jobs that
  /// were handed out have been interrupted once more. Moves about `jobs_max` jobs; call again until true, with no other
  /// command in between.
  bool end_restoring(std::size_t jobs_max = SIZE_MAX);
  /// What restored bodies may take of memory, in bytes.
  [[nodiscard]] std::uint64_t body_memory_at_start() const;
  /// The highest id given out.
  [[nodiscard]] job_id last_id() const;

  // --- commands ------------------------------------------------------------------------------------------------------
  put_answer put(session_id session, queue_id queue, put_request&& job, instant now);
  /// Counts a put that the caller refuses, and returns the answer to it.
  put_answer refuse_put(queue_id queue, reason cause);
  /// Withdraws a put that waits; false if it was admitted already.
  bool withdraw_put(session_id session);
  /// `wait_until` not after now: never waits. `never`: without limit. A session that watches nothing is granted
  /// nothing.
  reserve_answer reserve(session_id session, lease lease_kind, instant wait_until, instant now);
  reserve_answer reserve_job(session_id session, job_id job, instant now);
  /// The job that a reserve of this session would get without waiting; none if there is none. Costs the watch list.
  [[nodiscard]] std::optional<ready_job> next_ready(session_id session) const;
  /// Stops waiting in a reserve; false if something was granted already.
  bool withdraw_reserve(session_id session);

  /// Of one session any number may wait for capacity, each of another job; of one job the later replaces the earlier.
  finish_answer finish(session_id session, finish_request&& request, instant now);
  /// Gives up a finish that waits for capacity: the job stays reserved. False if it was done already.
  bool withdraw_finish(session_id session, job_id job);
  /// Deletes the job. False: there is no such job, or another session holds it.
  bool erase(session_id session, job_id job, instant now);
  /// The next three return false if the session does not hold the job.
  bool release(session_id session, job_id job, priority new_priority, duration delay, instant now);
  bool bury(session_id session, job_id job, priority new_priority, instant now);
  bool touch(session_id session, job_id job, instant now);
  /// Ends a job of any state as `cancelled`. What its holder says of it later is not found; a holder without a deadline
  /// gets the event `cancelled`. False: there is no such job.
  bool cancel(job_id job, instant now);
  /// Makes buried jobs ready, or delayed ones if none is buried, and returns how many. One call moves at most
  /// `moves_per_turn_max`: call again with what is left of `bound` while the answer is that many. `origin` says whether
  /// the first call found buried or delayed ones; pass it back.
  enum class kick_from { undecided, buried, delayed };
  std::size_t kick(queue_id queue, std::size_t bound, kick_from& origin, instant now);
  bool kick_job(job_id job, instant now);
  /// Deletes jobs of that queue that entered `state` no later than `entered_until`, the one longest in it first, at
  /// most `moves_per_turn_max` a call. Call again until the answer is 0. Requires: `state` is not `reserved`
  /// (asserted), since such a job belongs to its holder.
  std::size_t purge(queue_id queue, job_state state, instant entered_until, instant now);
  // --- groups (engine/group_facts.hpp) -------------------------------------------------------------------------------
  // A group that ends cancels its remaining members in later turns (`advance`), and puts its outcome when the last one
  // has ended. A large outcome is made in steps, in later turns, too. A put names the group that its job joins.
  /// `refused` beyond `groups_max` and `queues_max`; `not_found` where the outer group takes no members. The end of
  /// `owner` closes the group. Requires: `owner` is open (asserted), or none.
  result<group_id> open_group(group_request&& request, instant now, session_id owner = {});
  /// The newest group of that name that came back at the start, or was released, and is not closed; it belongs to
  /// `owner` from now on.
  std::optional<group_id> continue_group(session_id owner, std::string_view name, instant now);
  /// The end of its owner does not close it: a later run may continue it. False: it is gone or closed.
  bool release_group(group_id group, instant now);
  /// Opens a group, puts all its jobs and closes it. `refused`, and nothing is done, where one of the jobs cannot be
  /// put at once: `text` names its queue. `not_found`: a queue is gone.
  result<group_id> put_group(group_request&& request, std::vector<output>&& jobs, instant now);
  /// No more members join. False: it is gone or was closed before.
  bool close_group(group_id group, instant now);
  [[nodiscard]] std::optional<group_facts> look_at_group(group_id group) const;
  /// Why a put cannot join that group: `cancelled`, it is gone or takes no members; `overflow`, it has too many.
  [[nodiscard]] std::optional<reason> refusal_to_join(group_id group) const;
  /// Whether no group of that name is open, has members that have not ended, or has an outcome to put.
  [[nodiscard]] bool groups_are_over(std::string_view name) const;
  /// Rises with each job that ends, is buried or moves to another queue, and with each waiting put that is withdrawn.
  [[nodiscard]] std::uint64_t departures() const noexcept;
  /// Rises when a group comes to be over.
  [[nodiscard]] std::uint64_t groups_completed() const;
  /// Groups that are not over.
  [[nodiscard]] std::size_t group_count() const;
  /// Groups that have ended and still cancel members or make a large outcome, in later turns (`advance`).
  [[nodiscard]] std::size_t groups_in_progress() const;
  /// Before the jobs. Requires: no group has that id (asserted).
  void restore_group(kept_group&& group, instant now);
  /// Ids of groups begin above `last`.
  void restore_last_group(group_id last);

  /// From now on every put is `draining`; hand-offs and all else go on.
  void refuse_puts();

  // --- finding and changing jobs (engine/job_walk.hpp) ---------------------------------------------------------------
  /// Begins a walk over the jobs of that queue that are in `state` now; none: there is no such queue. The walk has
  /// pages from 1 on, so that a page can be asked for again.
  std::optional<cursor_id> open_cursor(queue_id queue, job_state state, cursor_owner owner);
  void close_cursor(cursor_id cursor);
  [[nodiscard]] bool has_cursor(cursor_id cursor) const;
  /// The next steps read `page`.
  page_status begin_page(cursor_id cursor, std::uint32_t page);
  /// Adds the next jobs that the filter finds, at most `most`. One step takes about a millisecond at most; call again
  /// while it found fewer than wanted and is not at the end. Requires: a page was begun.
  walk_step find_jobs(cursor_id cursor, const job_filter& filter, std::size_t most, std::vector<job_facts>& into);
  /// Changes the next jobs that the filter finds, at most `most` and `moves_per_turn_max`. Requires: a page was begun.
  walk_step change_jobs(cursor_id cursor, const job_filter& filter, const job_change& change, std::size_t most,
                        instant now);
  /// Whether the body of that job has the text of the filter, as the caller found out.
  void decide_body(cursor_id cursor, job_id job, bool matches);
  change_result change_job(job_id job, const job_change& change, instant now);

  // --- bodies on disk ------------------------------------------------------------------------------------------------
  // With `body_memory_max`, bodies of durable queues are in memory only as far as that allows (engine/bodies.hpp). A
  // job that is reserved while its body is on disk belongs to its holder, but its lease begins when the body is there;
  // `reserve` answers `waiting`, and a timeout does not count meanwhile.
  /// The put of the job is durable, so its body can be read back. Does nothing if the job is gone.
  void stored(job_id job);
  /// Jobs whose bodies are to be read, each once until it is answered by `body_loaded` or `body_lost`.
  [[nodiscard]] bool wants_bodies() const noexcept;
  void take_wanted_bodies(std::vector<job_id>& into);  ///< swaps, as `take_events`
  /// One of another length than was put counts as lost. Nothing if the job is gone.
  void body_loaded(job_id job, body&& content, instant now);
  /// The body cannot be read. A job that a session waits for is dead-lettered or buried (`io_error`). That session goes
  /// on waiting before all others, or gets the event `not_found` if it reserved that job by its id. Other jobs wait for
  /// the next try.
  void body_lost(job_id job, instant now);

  // --- time ----------------------------------------------------------------------------------------------------------
  /// Does what is due at `now`, at most `moves_per_turn_max` jobs: afterwards `next_deadline()` may still be ≤ now.
  void advance(instant now);
  [[nodiscard]] instant next_deadline() const;

  // --- results -------------------------------------------------------------------------------------------------------
  /// Decisions for waiting sessions since the last `take_events`, in order.
  [[nodiscard]] bool has_events() const noexcept;
  void take_events(std::vector<event>& into);  ///< swaps: `into` is cleared first and its storage reused
  /// `disk_check` is called before a job moves from memory into a durable queue, as a dead letter or by a `job_change`.
  /// It returns false if the store cannot write a body of so many bytes. Without it, every job can be stored. Requires:
  /// no command is given from there.
  void set_disk_check(std::function<bool(std::uint64_t bytes)> disk_check);
  /// `observer` is called with each state that a job enters from now on; nullptr: none. Requires: it outlives that.
  void observe_states(state_observer* observer);
  /// Off by default: a store that is not persistent needs no changes.
  void collect_changes(bool on);
  void take_changes(change_set& into);

  // --- queries -------------------------------------------------------------------------------------------------------
  [[nodiscard]] std::optional<job_facts> look(job_id job) const;
  /// Of its body, wherever that is; 0 if there is no such job.
  [[nodiscard]] std::uint64_t bytes_of(job_id job) const;
  [[nodiscard]] std::optional<job_facts> first_ready(queue_id queue) const;
  [[nodiscard]] std::optional<job_facts> first_delayed(queue_id queue) const;
  [[nodiscard]] std::optional<job_facts> first_buried(queue_id queue) const;
  [[nodiscard]] queue_levels levels(queue_id queue) const;
  [[nodiscard]] const queue_counts& counts(queue_id queue) const;
  /// Those of its row in the metrics, or the shared ones of the queues without a row.
  [[nodiscard]] const queue_timings& timings(queue_id queue) const;
  [[nodiscard]] const queue_timings& other_timings() const;
  /// The rows of the metrics.
  [[nodiscard]] const queue_rows& rows() const;
  [[nodiscard]] bool has_row(queue_id queue) const;
  /// Counters of removed queues that had no row, added up.
  [[nodiscard]] const queue_counts& counts_of_removed() const;
  /// Adds the ids of at most `most` queues to `into`, in order of creation. `start`: 0, or what the last call returned.
  /// Returns the `start` of the next call; 0: there are no more.
  std::size_t list_queues(std::size_t start, std::size_t most, std::vector<queue_id>& into) const;
  [[nodiscard]] std::size_t queue_count() const;
  [[nodiscard]] std::size_t job_count() const;
  [[nodiscard]] engine_totals totals() const;
  /// Memory of job records and their index, without bodies: for the metric and the benchmark.
  [[nodiscard]] std::size_t bytes_of_records() const;
  /// Of memory, by the bodies that `body_memory_max` bounds: those in memory and those on their way.
  [[nodiscard]] std::uint64_t bytes_of_bodies() const;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::engine
