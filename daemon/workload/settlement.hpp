#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <millrace/base/ids.hpp>
#include <millrace/base/time.hpp>
#include <millrace/handlers/handler.hpp>
#include <millrace/loop/event_loop.hpp>

#include "broker/broker.hpp"
#include "engine/command.hpp"
#include "workload/attempt.hpp"
#include "workload/counts.hpp"
#include "workload/job_order.hpp"
#include "workload/log_limiter.hpp"

namespace millrace::workload {

/// Ends the attempts of a consumer. Turns each result into a `finish`, which in the same change also puts the output,
/// delays the job until its next attempt, or moves it to the dead letter queue. Counts what the engine answers. Logs
/// failures at a limited rate.
///
/// While the disk is short of space for an output, the job is held, and its finish is tried again after each
/// `space_check_interval`, since no event announces free space.
///
/// Owned by the consumer, shared by its slots, on the loop.
class settlement {
 public:
  static constexpr duration space_check_interval = milliseconds{100};

  struct destinations {
    std::optional<queue_id> output;
    std::optional<queue_id> dead_letter;         ///< none: that of the job's queue
    std::optional<engine::retry_options> retry;  ///< none: that of the job's queue
    std::optional<job_order> output_order{};     ///< none: outputs have the default priority
  };

  settlement(loop::event_loop& loop, broker::broker& broker, destinations to, consumer_counts& counts)
      : loop_{loop},
        broker_{broker},
        destinations_{std::move(to)},
        counts_{counts},
        failures_{loop, "job_failed", "consumer", counts.name},
        waits_for_space_{loop, "output_held", "consumer", counts.name} {}

  /// Moves the texts out of `attempt`, and the body out of `job` if that body is the output. False: the output waits
  /// for capacity of its queue or for space on the disk, and `admitted` must be awaited next. No coroutine, since most
  /// jobs need none. Requires: the attempt was not cancelled.
  [[nodiscard]] bool settle(session_id session, handlers::job&& job, attempt_result&& attempt);
  /// Suspends until the output is put, or refused. Cancelled: throws, and the job is still held.
  loop::awaitable<> admitted(session_id session, job_id job, std::string_view queue);
  /// A drain cancelled the attempt, and the job went back to its queue.
  void released() {
    counts_.released.add();
    count(engine::outcome::cancelled);
    trace(engine::outcome::cancelled, "ready");
  }
  /// The job was cancelled, and its attempt with it.
  void cancelled() {
    count(engine::outcome::cancelled);
    trace(engine::outcome::cancelled, {});
  }
  /// Logs how many failures were left out. Requires: no slot runs any more.
  void flush_log() {
    failures_.flush();
    waits_for_space_.flush();
  }

 private:
  /// A failed attempt that is logged when the engine has answered what becomes of its job.
  struct failure {
    std::string text;
    engine::reason cause;
  };

  [[nodiscard]] engine::finish_request request(handlers::job& job, attempt_result& attempt) const;
  /// The failure of an attempt, if it is to be logged. None: it did not fail, or is left out.
  [[nodiscard]] std::optional<failure> failure_of(const attempt_result& attempt);
  void log_failure(const failure& failed, job_id job, std::string_view queue,
                   const engine::finish_answer& answer) const;
  /// `requested` is the outcome of the request.
  void settled(const engine::finish_answer& answer, engine::outcome requested, job_id job, std::string_view queue);
  /// `then`: a literal; empty: the job is gone.
  void trace(engine::outcome outcome, std::string_view then);
  void count(engine::outcome outcome) { counts_.outcomes[static_cast<std::size_t>(outcome)].add(); }

  loop::event_loop& loop_;
  broker::broker& broker_;
  destinations destinations_;
  consumer_counts& counts_;
  log_limiter failures_;
  log_limiter waits_for_space_;
  std::unordered_map<session_id, engine::finish_request> without_space_;  ///< from `settle` to `admitted`
};

}  // namespace millrace::workload
