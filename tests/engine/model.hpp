#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/change.hpp"
#include "engine/command.hpp"
#include "engine/engine.hpp"

namespace millrace::engine::testing {

/// The engine's rules a second time, as plainly as they can be said: everything stands in a vector and is found by
/// looking through all of it; whatever can be derived is derived. Nothing is shared with the engine but the types of
/// its commands.
class model {
 public:
  struct total {
    std::uint64_t times{0};
    duration sum{0};
    void observe(duration length) { ++times, sum += length; }
  };
  struct times {
    total wait, service, end_to_end;
  };
  struct its_job {
    job_id id;
    queue_id queue;
    std::string text;
    job_state state{job_state::ready};
    millrace::engine::priority priority{0};
    instant put_at{}, entered{};
    std::uint64_t order{0};  ///< of coming into the state it is in
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
  struct its_queue {
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
  struct its_row {
    std::string name;
    queue_id queue;  ///< none: it was removed at `removed_at`
    instant removed_at{};
    queue_counts before;
    times timings;
  };
  struct its_session {
    session_id id;
    session_kind kind{session_kind::plain};
    queue_id uses;
    std::vector<queue_id> watched;
    bool waits{false}, closing{false};
    std::uint64_t since{0};
    lease wanted{lease::ttr};
    instant until{never};
  };
  struct its_member {
    job_id job;
    bool ended{false};
    outcome result{};
    std::string text;
    bool cut{false};
  };
  struct its_group {
    group_id id;
    group_request asked;
    instant opened_at{};
    session_id owner;
    std::uint32_t outer_place{0};
    bool closed{false}, ended{false};
    bool cancels{false};  ///< from `cancels_since` on, the members from `next` on
    instant cancels_since{};
    std::size_t next{0};
    bool told{false}, outcome_waits{false}, refused{false};  ///< its outcome is put, waits, or never fits
    bool over{false};
    std::vector<its_member> members;
  };
  /// A put, the finish of `job`, or the outcome of `group`, that stands in the line of `queue`; the longest there
  /// stands first.
  struct in_line {
    session_id session;
    queue_id queue;
    job_id job{};
    group_id group{};
    put_request put{};
    finish_request finish{};
  };

  explicit model(engine_options options) : limits{options} {}

  // Ids of queues and sessions are the engine's to choose: a new one is handed in.
  bool declare(std::string_view name, const queue_options& options, queue_id fresh);
  bool use(session_id who, std::string_view name, queue_id fresh);
  std::optional<std::size_t> watch(session_id who, std::string_view name, queue_id fresh);
  std::optional<std::size_t> ignore(session_id who, std::string_view name);
  void open_session(session_id fresh, session_kind kind) {
    its_session& added = sessions.emplace_back();
    added.id = fresh;
    added.kind = kind;
  }
  bool close_session(session_id who, instant at, session_end end = session_end::lost);
  /// False, as the answers of a put and a kick: the queue is gone.
  bool pause(queue_id which, duration length, instant at);

  put_answer put(session_id who, queue_id into, const put_request& request, instant at);
  bool withdraw_put(session_id who);
  reserve_answer reserve(session_id who, lease how, instant until, instant at);
  reserve_answer reserve_job(session_id who, job_id which, instant at);
  bool withdraw_reserve(session_id who);
  finish_status finish(session_id who, const finish_request& request, instant at);
  bool withdraw_finish(session_id who, job_id which);
  bool erase(session_id who, job_id which, instant at);
  bool release(session_id who, job_id which, priority urgency, duration delay, instant at);
  bool bury(session_id who, job_id which, priority urgency, instant at);
  bool touch(session_id who, job_id which, instant at);
  bool cancel(job_id which, instant at);
  /// `fresh`: the id of the queue if one is created.
  change_result change_job(job_id which, const job_change& wanted, queue_id fresh, instant at);
  std::size_t kick(queue_id which, std::size_t bound, engine::kick_from& from, instant at);
  bool kick_job(job_id which, instant at);
  std::size_t purge(queue_id which, job_state state, instant entered_until, instant at);
  void advance(instant at) { begin(at); }

  std::optional<group_id> open_group(const group_request& request, session_id owner, instant at);
  bool close_group(group_id which, instant at);
  [[nodiscard]] static group_facts facts_of(const its_group& it);

  [[nodiscard]] instant next_deadline() const;
  [[nodiscard]] queue_levels levels(queue_id which) const;
  /// The job of that state that comes first: ready by (priority, id), delayed by (due, id), else by order of entry.
  [[nodiscard]] const its_job* first(queue_id which, job_state state) const;
  [[nodiscard]] const its_queue* find(std::string_view name) const;
  [[nodiscard]] bool is_shown(const its_row& which) const {
    return which.queue || now < which.removed_at + limits.metrics_linger;
  }
  [[nodiscard]] instant time() const { return now; }

  engine_options limits;
  queue_options defaults;
  bool draining{false};
  std::vector<its_job> jobs;
  std::vector<its_queue> queues;
  std::vector<its_session> sessions;
  std::vector<in_line> line;
  std::vector<its_group> groups;
  std::uint64_t outcomes_put{0};  ///< of groups
  std::vector<event> events;
  change_set changes;
  std::vector<its_row> rows;
  queue_counts removed;                                         ///< of queues without a row
  std::uint64_t puts_of_removed{0}, expirations_of_removed{0};  ///< of all removed queues
  times others;                                                 ///< of queues without a row

 private:
  struct due {
    instant when{never};
    int kind{0};  ///< expiry (-1), delay, lease, pause, margin, timeout: in this order at one instant
    std::uint64_t number{0};
    auto operator<=>(const due&) const = default;  // NOLINT(modernize-use-nullptr): not about a pointer
  };
  enum class room { free, drops, later, none };

  its_job* job(job_id which);
  its_queue& queue(queue_id which);
  [[nodiscard]] bool has_queue(queue_id which) const;
  its_session& session(session_id who);
  its_job* held(session_id who, job_id which);
  [[nodiscard]] std::uint64_t count(queue_id which, job_state state) const;
  [[nodiscard]] std::uint64_t bytes(queue_id which, job_state state) const;
  [[nodiscard]] bool anybody_in_line(queue_id which) const;
  [[nodiscard]] bool idle(const its_queue& which) const;
  its_queue* find_or_add(std::string_view name, queue_id fresh);

  void begin(instant at);
  [[nodiscard]] due soonest() const;
  std::size_t do_due(due what, std::size_t most);
  void settle();
  void mark_unsettled(queue_id which);
  void admit(queue_id which);

  static std::shared_ptr<const job_details> details_of(const its_job& it);
  struct move_of {
    job_state to{};
    bool handed_out{false};
    queue_id left{};
  };
  void record_move(const its_job& it, move_of move);
  [[nodiscard]] bool is_recorded(const its_job& it);
  void enter(its_job& it, job_state state);
  void leave(its_job& it);
  void make_ready(job_id which);
  void make_delayed(job_id which);
  finish_status expire(job_id which, std::optional<queue_id> letters = {});
  void start_lease(its_job& it);
  reserved_job make_reserved(its_job& it, its_session& who, lease how);
  void end_job(job_id which, outcome result, const std::string& result_text = {});
  job_id put_job(queue_id into, put_request request);
  bool dead_letter(job_id which, outcome result, reason why, std::optional<queue_id> letters);
  void move_to(job_id which, queue_id to, job_state state);
  change_result change(job_id which, const job_change& wanted, queue_id fresh);
  change_result redrive(job_id which, const job_change& wanted, queue_id fresh);
  change_result move(job_id which, const job_change& wanted, queue_id fresh);
  bool give_up(job_id which, outcome result, reason why, std::optional<queue_id> letters = {});
  void bury_for(job_id which, outcome result, reason why);
  finish_status interrupt(job_id which, std::optional<queue_id> letters = {}, std::uint32_t otherwise = 0);
  [[nodiscard]] retry_options retries_of(const its_job& it, const finish_request& request);
  finish_status postpone(job_id which, finish_request request);
  finish_status end_expired(job_id which, const finish_request& request);
  its_group* group(group_id which);
  void touch(its_group& it);
  void set_closed(its_group& it);
  std::optional<reason> refusal_to_join(group_id which);
  bool join(its_job& it, const put_request& request);
  void member_ended(group_id which, std::uint32_t place, outcome result, std::string text);
  void note_end(const its_job& it, outcome result, const std::string& text);
  void cancel_job(job_id which);
  [[nodiscard]] std::string outcome_words(const its_group& it, std::uint64_t most) const;
  void outcome_is_put(its_group& it, queue_id into, const put_request& request);
  void put_outcome(group_id which);
  void settle_groups();
  void settle_queues();
  [[nodiscard]] instant due_of(const its_group& it) const;
  std::size_t do_due_group(group_id which, std::size_t most);

  void offer(queue_id which);
  bool serve_one(queue_id which);
  std::size_t serve_after_pause(queue_id which, std::size_t most);
  void kick_one(job_id which);
  void erase_one(job_id which);
  its_row* row_of(std::string_view name);
  times& timings(const its_queue& which) { return which.has_row ? row_of(which.name)->timings : others; }
  void observe_attempt(const its_job& it);
  void observe_done(const its_job& it);
  void tell(event::kind what, session_id who, job_id id = {}, finish_status finish = finish_status::done);

  room room_in(queue_id into, std::uint64_t more, std::uint64_t more_bytes, const its_job* leaving, bool first) const;
  void drop_for(queue_id in, std::uint64_t more, std::uint64_t more_bytes);
  struct room_for_all {
    room found{room::free};
    queue_id where{};                     ///< `later`: the queue to wait for
    reason refusal{reason::output_full};  ///< `none`: why
  };
  room_for_all room_for(const its_job& it, const std::vector<output>& outputs, queue_id here) const;
  finish_status carry_out(job_id which, finish_request request, room found, reason refusal);
  finish_status fail(job_id which, outcome result, reason why, const finish_request& request);
  void forget_finish(job_id which);
  bool leave_line(session_id who);

  instant now{instant::min()};  ///< of the last command that was handed one, as in the engine
  std::uint64_t last_job{0}, last_order{0}, last_wait{0};
  std::vector<queue_id> unsettled;
  std::uint64_t last_group{0};
  std::vector<group_id> touched;
  std::vector<group_id> ended_groups;  ///< that are over, the oldest first
};

}  // namespace millrace::engine::testing
