#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/change.hpp"
#include "engine/command.hpp"
#include "engine/engine.hpp"

namespace millrace::engine::testing {

struct duration_total {
  std::uint64_t count{0};
  duration sum{0};
  void observe(duration length) { ++count, sum += length; }
};

struct model_timings {
  duration_total wait, service, end_to_end;
};

struct model_job {
  job_id id;
  queue_id queue;
  std::string text;
  job_state state{job_state::ready};
  millrace::engine::priority priority{0};
  instant put_at{}, entered{};
  std::uint64_t order{0};  ///< among all entries into a state
  duration delay{0}, ttr{0};
  instant due{never};  ///< end of its delay or lease
  bool in_margin{false};
  session_id holder{};
  std::uint32_t reserves{0}, timeouts{0}, releases{0}, buries{0}, kicks{0};
  std::uint32_t failures{0}, interruptions{0}, laters{0};
  std::string error_text;
  job_details details;
  bool recorded{false};  ///< it was in a durable queue before it moved here
  /// While it is ready or delayed; dead letters do not expire.
  [[nodiscard]] instant expires_at() const { return details.origin.empty() ? details.expires_at : never; }
};

struct model_queue {
  queue_id id;
  std::string name;
  queue_options options;
  bool declared{false};
  bool has_row{false};  ///< in the metrics, decided when the queue is created
  instant paused_until{no_pause};
  duration paused_for{0};
  queue_counts counts;
};

/// What metrics show under one name. Rows of removed queues stay for `metrics_linger`.
struct model_row {
  std::string name;
  queue_id queue;  ///< none: it was removed at `removed_at`
  instant removed_at{};
  queue_counts before;
  model_timings timings;
};

struct model_session {
  session_id id;
  session_kind kind{session_kind::plain};
  queue_id used;
  std::vector<queue_id> watched;
  bool waits{false}, closing{false};
  std::uint64_t wait_order{0};  ///< among all waits
  lease lease_kind{lease::ttr};
  instant wait_until{never};
};

struct model_member {
  job_id job;
  bool ended{false};
  outcome result{};
  std::string text;
  bool is_cut{false};
};

struct model_group {
  group_id id;
  group_request request;
  instant opened_at{};
  session_id owner;
  std::uint32_t outer_place{0};
  bool closed{false}, ended{false};
  bool cancels{false};  ///< from `cancels_since` on, the members from `next_member` on
  instant cancels_since{};
  std::size_t next_member{0};
  bool outcome_put{false}, outcome_waits{false};
  bool outcome_refused{false};  ///< its outcome never fits
  bool over{false};
  std::vector<model_member> members;
  [[nodiscard]] bool cancels_rest() const { return request.remaining == remaining_members::cancel; }
};

/// A put, the finish of `job`, or the outcome of `group`, that waits for capacity of `queue`.
struct capacity_waiter {
  session_id session;
  queue_id queue;
  job_id job{};
  group_id group{};
  put_request put{};
  finish_request finish{};
};

/// Finds the id that the engine has given to the queue with this name in the same command; none: 0.
using queue_lookup = std::function<queue_id(std::string_view name)>;

/// A second implementation of the engine's rules, as simple as possible. Vectors hold everything, every search reads a
/// whole vector, and nothing is stored that can be derived. The model shares only the types of commands with the
/// engine.
class model {
 public:
  explicit model(engine_options options) : limits{options} {}

  // The engine chooses the ids of queues and sessions. `new_queue`: the id of the queue if the command creates one.
  bool declare(std::string_view name, const queue_options& options, queue_id new_queue);
  bool use(session_id session, std::string_view name, queue_id new_queue);
  std::optional<std::size_t> watch(session_id session, std::string_view name, queue_id new_queue);
  std::optional<std::size_t> ignore(session_id session, std::string_view name);
  void open_session(session_id id, session_kind kind) {
    model_session& added = sessions.emplace_back();
    added.id = id;
    added.kind = kind;
  }
  bool close_session(session_id id, instant now, session_end end = session_end::lost);
  /// False: the queue is gone.
  bool pause(queue_id id, duration length, instant now);

  put_answer put(session_id session, queue_id queue, const put_request& request, instant now);
  bool withdraw_put(session_id session);
  reserve_answer reserve(session_id id, lease lease_kind, instant wait_until, instant now);
  reserve_answer reserve_job(session_id session, job_id id, instant now);
  bool withdraw_reserve(session_id session);
  finish_status finish(session_id session, const finish_request& request, instant now);
  bool withdraw_finish(session_id session, job_id id);
  bool erase(session_id session, job_id id, instant now);
  bool release(session_id session, job_id id, priority new_priority, duration delay, instant now);
  bool bury(session_id session, job_id id, priority new_priority, instant now);
  bool touch(session_id session, job_id id, instant now);
  bool cancel(job_id id, instant now);
  change_result change_job(job_id id, const job_change& change, const queue_lookup& find_in_engine, instant now);
  std::size_t kick(queue_id queue, std::size_t bound, engine::kick_from& origin, instant now);
  bool kick_job(job_id id, instant now);
  std::size_t purge(queue_id queue, job_state state, instant entered_until, instant now);
  void advance(instant now) { begin_command(now); }

  std::optional<group_id> open_group(const group_request& request, session_id owner, instant now);
  bool close_group(group_id id, instant now);
  [[nodiscard]] static group_facts facts_of(const model_group& group);

  [[nodiscard]] instant next_deadline() const;
  [[nodiscard]] queue_levels levels(queue_id queue) const;
  /// The job of that state that comes first: ready by (priority, id), delayed by (due, id), else by order of entry.
  [[nodiscard]] const model_job* first_job(queue_id queue, job_state state) const;
  [[nodiscard]] const model_queue* find_queue(std::string_view name) const;
  [[nodiscard]] bool is_shown(const model_row& row) const {
    return row.queue || now_ < row.removed_at + limits.metrics_linger;
  }
  [[nodiscard]] instant time() const { return now_; }

  engine_options limits;
  queue_options defaults;
  bool draining{false};
  std::vector<model_job> jobs;
  std::vector<model_queue> queues;
  std::vector<model_session> sessions;
  std::vector<capacity_waiter> capacity_waiters;  ///< of one queue, the one that has waited longest comes first
  std::vector<model_group> groups;
  std::uint64_t outcomes_put{0};  ///< of groups
  std::vector<event> events;
  change_set changes;
  std::vector<model_row> rows;
  queue_counts counts_of_removed;                               ///< of queues without a row
  std::uint64_t puts_of_removed{0}, expirations_of_removed{0};  ///< of all removed queues
  model_timings other_timings;                                  ///< of queues without a row

 private:
  /// Something that happens at a time, without a command. Steps of one time happen in the order of the kinds.
  struct due_step {
    enum class kind { expiry, delay_end, lease_end, pause_end, lease_margin, wait_end, group };
    instant time{never};
    kind type{kind::group};
    std::uint64_t id{0};                                ///< of the job, queue, session or group
    auto operator<=>(const due_step&) const = default;  // NOLINT(modernize-use-nullptr): not about a pointer
  };
  /// `after_drops`: there is capacity when the oldest ready jobs are dropped.
  enum class capacity { free, after_drops, later, none };

  // Searches: `find_…` may find nothing, `get_…` requires that it is there.
  model_job* find_job(job_id id);
  model_job* find_held_job(session_id session, job_id id);
  model_queue& get_queue(queue_id id);
  model_session& get_session(session_id id);
  model_group* find_group(group_id id);
  model_row* find_row(std::string_view name);
  model_queue* find_or_add_queue(std::string_view name, queue_id new_queue);
  [[nodiscard]] bool has_queue(queue_id id) const;
  [[nodiscard]] bool has_capacity_waiters(queue_id queue) const;
  [[nodiscard]] bool is_idle(const model_queue& queue) const;
  model_timings& timings_of(const model_queue& queue);

  // Due steps.
  void begin_command(instant now);
  [[nodiscard]] due_step next_step() const;
  std::size_t do_step(due_step step, std::size_t most);
  std::size_t end_pause(queue_id id, std::size_t most);
  [[nodiscard]] instant step_time_of(const model_group& group) const;
  std::size_t do_group_step(group_id id, std::size_t most);

  // Consequences of a command.
  void end_command();
  void update_groups();
  void update_queues();
  void mark_for_update(queue_id queue);
  void admit(queue_id queue);
  void offer_ready_job(queue_id queue);
  bool serve_next_session(queue_id queue);
  void add_event(event::kind type, session_id session, job_id id = {}, finish_status status = finish_status::done);
  void observe_attempt(const model_job& job);
  void observe_done(const model_job& job);

  // The states of a job.
  struct move_details {
    job_state to{};
    bool handed_out{false};
    queue_id from{};
  };
  static std::shared_ptr<const job_details> details_of(const model_job& job);
  void record_move(const model_job& job, move_details details);
  [[nodiscard]] bool is_recorded(const model_job& job);
  void enter_state(model_job& job, job_state state);
  void leave_state(model_job& job);
  void make_ready(job_id id);
  void make_delayed(job_id id);
  void start_lease(model_job& job);
  reserved_job make_reserved(model_job& job, model_session& session, lease lease_kind);
  job_id put_job(queue_id queue, put_request request);
  void move_to(job_id id, queue_id queue, job_state state);
  void bury_with_cause(job_id id, outcome result, reason cause);
  void end_job(job_id id, outcome result, const std::string& result_text = {});
  void apply_kick(job_id id);
  void apply_erase(job_id id);
  change_result apply_change(job_id id, const job_change& change, const queue_lookup& find_in_engine);
  change_result redrive(job_id id, const job_change& change, const queue_lookup& find_in_engine);
  change_result move(job_id id, const job_change& change, const queue_lookup& find_in_engine);

  // Attempts that do not succeed. `letters`: the queue of dead letters; none: that of the job's queue.
  finish_status fail(job_id id, outcome result, reason cause, const finish_request& request);
  finish_status postpone(job_id id, finish_request request);
  finish_status end_expired(job_id id, const finish_request& request);
  finish_status expire(job_id id, std::optional<queue_id> letters = {});
  finish_status interrupt(job_id id, std::optional<queue_id> letters = {}, std::uint32_t default_deliveries_max = 0);
  bool give_up(job_id id, outcome result, reason cause, std::optional<queue_id> letters);
  bool dead_letter(job_id id, outcome result, reason cause, std::optional<queue_id> letters);
  void cancel_job(job_id id);
  [[nodiscard]] retry_options retries_of(const model_job& job, const finish_request& request);

  // Groups.
  void mark_touched(model_group& group);
  void set_closed(model_group& group);
  std::optional<reason> refusal_to_join(group_id id);
  bool join(model_job& job, const put_request& request);
  void record_member_end(group_id id, std::uint32_t place, outcome result, std::string text);
  void record_job_end(const model_job& job, outcome result, const std::string& text);
  [[nodiscard]] std::string outcome_text(const model_group& group, std::uint64_t bytes_max) const;
  void try_to_put_outcome(group_id id);
  void put_outcome(model_group& group, queue_id queue, const put_request& request);

  // Capacity.
  struct outputs_capacity {
    capacity found{capacity::free};
    queue_id full_queue{};                ///< `later`: the queue to wait for
    reason refusal{reason::output_full};  ///< `none`: the reason
  };
  capacity find_capacity(queue_id id, std::uint64_t new_jobs, std::uint64_t new_bytes, const model_job* leaving_job,
                         bool is_first) const;
  outputs_capacity find_outputs_capacity(const model_job& job, const std::vector<output>& outputs,
                                         queue_id admitting) const;
  void drop_jobs_for(queue_id queue, std::uint64_t new_jobs, std::uint64_t new_bytes);
  finish_status apply_finish(job_id id, finish_request request, capacity found, reason refusal);
  void forget_finish(job_id id);
  bool remove_waiting_put(session_id session);

  instant now_{instant::min()};  ///< of the last command with a time, as in the engine
  std::uint64_t last_job_{0}, last_order_{0}, last_wait_{0}, last_group_{0};
  std::vector<queue_id> queues_to_update_;
  std::vector<group_id> touched_;
  std::vector<group_id> ended_groups_;  ///< that are over, the oldest first
};

}  // namespace millrace::engine::testing
