#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/ids.hpp>
#include <millrace/handlers/job_template.hpp>
#include <millrace/loop/deadline.hpp>
#include <millrace/loop/event_loop.hpp>

#include "broker/broker.hpp"
#include "loop/job_mark.hpp"
#include "loop/task_scope.hpp"
#include "loop/trace_lane.hpp"
#include "workload/counts.hpp"
#include "workload/sequence.hpp"
#include "workload/settlement.hpp"
#include "workload/steps.hpp"

namespace millrace::workload {

/// Slots that reserve a job, attempt it and settle it. A slot is a task with its own session and name (`name#3`), for
/// as long as the consumer runs. It takes up to `jobs_per_turn` jobs without suspending, as far as its handler allows;
/// then other tasks have a turn. With a handler that is not quick, the turn also ends after `turn_length_max`: a
/// computation can end in its first step, and holds the loop until then.
///
/// A slot ends only when the consumer stops or its task is cancelled. One that fails (with an exception that is no
/// job's outcome) gives its job back, is logged and counted at once, and starts again after a `restart_pause`.
///
/// A job that is cancelled while a slot works on it: the attempt is cancelled, its answer is dropped, and the slot goes
/// on with the next job.
///
/// A handler is cancelled by its timeout, or with its job. If it has not ended `stuck_after` later, it is stuck. A
/// handler that needs time to end (millrace/handlers/slow_cancellation.hpp) has that time in addition. The job of a
/// stuck handler ends without it, another slot takes the place of its slot, and its late answer is dropped. At most
/// `stuck_slots_max` slots are replaced before one of them ends. In sequence no slot is replaced, since one job runs at
/// a time.
///
/// A quick handler needs no more than one slot: it holds the loop while it works, so further slots could only wait for
/// it. In sequence, too, there is one slot, and the jobs come from the `sequence` that all consumers share.
///
/// Owned by the workload; loop thread. `stop_taking` lets running jobs end; cancelling the slots' scope cancels them,
/// and their jobs become ready again.
class consumer {
 public:
  static constexpr unsigned jobs_per_turn = 64;
  static constexpr duration turn_length_max = milliseconds{1};
  static constexpr duration stuck_after = seconds{10};
  static constexpr std::size_t stuck_slots_max = 100;

  struct environment {
    loop::event_loop& loop;
    broker::broker& broker;
    sequence* in_sequence;          ///< null: side by side
    std::function<void()> on_idle;  ///< called on the loop when a slot found nothing to do, and when one has ended
    std::optional<handlers::job_template> job_name{};  ///< shown by the task of a slot while it has the job
  };
  /// Requires: `counts` has its `name` and its `concurrency`, and outlives this object.
  consumer(environment env, std::vector<queue_id> queues, steps attempts, settlement::destinations destinations,
           consumer_counts& counts);

  void start(loop::task_scope& scope);
  void stop_taking();
  void reopen_files() { attempts_.reopen_files(); }
  /// Writes what the log still owes and destroys the handlers. Requires: all slots have ended.
  void finish() {
    settlement_.flush_log();
    attempts_.release_handlers();
    stuck_check_.clear();
  }

  [[nodiscard]] const std::vector<queue_id>& queues() const noexcept { return queues_; }
  /// The name of the slot that has that session; empty if none has.
  [[nodiscard]] std::string slot_name(session_id session) const;
  /// Without those that are stuck.
  [[nodiscard]] std::size_t running_slots() const noexcept { return running_ - counts_.stuck; }

 private:
  struct slot {
    std::string name;
    session_id session{};
    task_id task{};
    sequence::member* sequence_member{nullptr};
    bool waits{false};              ///< for a job, or for its restart: nothing is lost if the task is cancelled
    bool busy{false};               ///< from `begin` to `end` of a job
    job_id attempted{};             ///< while the handler has it and its task may be suspended
    bool attempt_cancelled{false};  ///< `attempted` was cancelled, and so was the task, for this attempt only
    bool in_group{false};           ///< the job at hand is a member of a group
    std::string_view queue;         ///< of `attempted`
    instant stuck_at{never};        ///< the handler is stuck if it has not ended by then
    bool stuck{false};              ///< was replaced: it ends with its handler
    bool ended{false};              ///< the task has ended; only of a slot that was replaced
    loop::trace_lane lane;          ///< while a trace runs
  };

  /// Lives as long as a slot's task runs. Its destructor tells the workload that the slot has ended.
  struct running_mark {
    running_mark(consumer& of, slot& consumer_slot) : owner{of}, running{consumer_slot} {}
    ~running_mark() {
      if (running.sequence_member != nullptr) owner.environment_.in_sequence->leave(*running.sequence_member);
      --owner.running_;
      if (running.stuck) --owner.counts_.stuck;
      running.ended = running.stuck;
      owner.environment_.on_idle();
    }
    running_mark(const running_mark&) = delete;
    running_mark& operator=(const running_mark&) = delete;

    consumer& owner;
    slot& running;
  };

  void add_slot();
  loop::awaitable<> run(slot& consumer_slot);
  [[nodiscard]] engine::session_kind session_kind() const noexcept;
  void open_session(slot& consumer_slot);
  void close_session(slot& consumer_slot, engine::session_end ending);
  loop::awaitable<> serve(slot& consumer_slot);
  loop::awaitable<> serve_in_sequence(slot& consumer_slot);
  loop::awaitable<> attempt_and_settle(slot& consumer_slot, session_id session, engine::reserved_job&& taken);
  /// The broker says that the job is cancelled.
  void cancel_attempt(slot& consumer_slot, job_id job);
  void expect_end(slot& consumer_slot, instant cancelled_at);
  void replace_stuck_slots();
  void replace(slot& stuck_slot);
  void end(slot& consumer_slot);
  [[nodiscard]] handlers::job begin(slot& consumer_slot, engine::reserved_job&& taken);
  /// Into the list of tasks: the name of the job, if it has one.
  void show(const handlers::job& job, std::optional<loop::job_mark>& mark) const;

  environment environment_;
  std::vector<queue_id> queues_;
  steps attempts_;
  settlement settlement_;
  consumer_counts& counts_;
  loop::deadline stuck_check_;  ///< the first `stuck_at` of a slot, or earlier
  loop::task_scope* scope_{nullptr};
  std::vector<std::unique_ptr<slot>> slots_;
  unsigned slots_made_{0};
  std::size_t running_{0};  ///< slots whose task has not ended, stuck ones included
  bool closing_{false};
};

}  // namespace millrace::workload
