#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/command.hpp"

/// What must be remembered of a command: facts, not intentions. A store that applies them in order has the same jobs, where
/// one that is reserved counts as ready, since that is what it is after a crash: so no change says that a ready job was
/// reserved or touched. Each names the queue, whose durability decides what becomes of it.
namespace millrace::engine {

/// How often what happened to one job.
struct job_tally {
  std::uint32_t reserves{0}, timeouts{0}, releases{0}, buries{0}, kicks{0};

  friend bool operator==(const job_tally&, const job_tally&) = default;
};

struct job_put {
  job_id job;
  queue_id queue;
  job_state state;  ///< ready or delayed; a dead letter comes into its queue ready
  put_request what;
  instant put_at;
  instant due;             ///< when delayed
  std::string error_text;  ///< of a dead letter
};
struct job_moved {
  job_id job;
  queue_id queue;
  job_state state;
  engine::priority urgency;
  duration delay;  ///< the last one it was given
  instant due;     ///< when delayed
  job_tally tally;
  std::string error_text;  ///< why it was buried, if it failed
  bool on_disk{false};     ///< it is, whatever its queue wants now
};
struct job_gone {
  job_id job;
  queue_id queue;
  bool on_disk{false};
};
struct queue_paused {
  queue_id queue;
  instant until;  ///< `never` is no pause that ends; instant{} ends it
  duration length;
};

using change = std::variant<job_put, job_moved, job_gone, queue_paused>;

/// The changes of one command, all or none.
using change_set = std::vector<change>;

/// A job as a store kept it, given back at the start. Reserved jobs were kept as ready ones.
struct kept_job {
  job_id job;
  queue_id queue;
  job_state state{job_state::ready};
  put_request what;
  /// Its body was left on disk and has so many bytes; `what.content` is empty.
  std::optional<std::uint32_t> bytes_on_disk{};
  instant put_at{};
  instant due{};  ///< when delayed; may be past
  job_tally tally;
  std::string error_text;
};

}  // namespace millrace::engine
