// What becomes of jobs that nobody takes, and what people change.
#include <algorithm>

#include "engine/model.hpp"

namespace millrace::engine::testing {

void model::expire(job_id which) {
  queue(job(which)->queue).counts.finished[static_cast<std::size_t>(outcome::expired)].add();
  end_job(which);
}

void model::make_delayed(job_id which) {
  its_job& it = *job(which);
  if (it.expires_at <= now) return expire(which);
  leave(it);
  enter(it, job_state::delayed);
  record_move(it, job_state::delayed);
}

}  // namespace millrace::engine::testing
