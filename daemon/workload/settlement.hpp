#pragma once

#include <optional>

#include <millrace/base/ids.hpp>
#include <millrace/base/time.hpp>
#include <millrace/handlers/handler.hpp>

#include "engine/command.hpp"
#include "workload/attempt.hpp"
#include "workload/counts.hpp"
#include "workload/log_limiter.hpp"

namespace millrace::workload {

/// The fate of a consumer's jobs: what came of an attempt becomes a `finish`, with the hand-off to the output queue or to the dead letters in the
/// same change; and what the engine made of it is counted, and failures are said now and then.
///
/// Owned by the consumer, shared by its slots, on the loop.
class settlement {
 public:
  struct queues {
    std::optional<queue_id> output;
    std::optional<queue_id> dead_letter;
  };

  settlement(loop::event_loop& loop, queues where, consumer_counts& counts)
      : where_{where}, counts_{counts}, log_{loop, "job_failed", "consumer", counts.name} {}

  /// Moves the attempt's texts and, if it goes on unchanged, the job's body. Not for a cancelled attempt. The `result` of the request
  /// is the job's outcome: `failed` also for an answer that cannot become a job.
  [[nodiscard]] engine::finish_request request(handlers::job&& job, attempt&& came);
  /// Counts what the attempt came to, given what was asked of the engine and its last word on it.
  void settled(engine::outcome asked, engine::finish_status answer);
  /// The attempt was cancelled and the job went back to its queue.
  void released() { count(engine::outcome::cancelled); }
  /// No slot runs any more: what was left out of the log is said.
  void flush_log() { log_.flush(); }

 private:
  void count(engine::outcome what) { counts_.outcomes[static_cast<std::size_t>(what)].add(); }

  queues where_;
  consumer_counts& counts_;
  log_limiter log_;
};

}  // namespace millrace::workload
