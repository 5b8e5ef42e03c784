#pragma once

#include <variant>
#include <vector>

#include "engine/command.hpp"

/// What must be remembered of a command: facts, not intentions. A store that applies them in order has the same jobs, where
/// one that is reserved counts as ready, since that is what it is after a crash: so no change says that a ready job was
/// reserved or touched.
namespace millrace::engine {

struct job_put {
  job_id job;
  queue_id queue;
  job_state state;  ///< ready or delayed; a dead letter comes into its queue ready
  put_request what;
  instant put_at;
  instant due;  ///< when delayed
};
struct job_moved {
  job_id job;
  job_state state;
  engine::priority urgency;
  instant due;
};
struct job_gone {
  job_id job;
};
struct queue_paused {
  queue_id queue;
  instant until;  ///< `never` is no pause that ends; instant{} ends it
};

using change = std::variant<job_put, job_moved, job_gone, queue_paused>;

/// The changes of one command, all or none.
using change_set = std::vector<change>;

}  // namespace millrace::engine
