// What becomes of jobs that nobody takes, and what people change.
#include <algorithm>

#include "engine/model.hpp"

namespace millrace::engine::testing {

bool model::expire(job_id which) {
  if (dead_letter(which, outcome::expired, reason::expired, {})) return true;
  end_job(which, outcome::expired);
  return false;
}

void model::make_delayed(job_id which) {
  its_job& it = *job(which);
  if (it.expires_at() <= now) return void(expire(which));
  leave(it);
  enter(it, job_state::delayed);
  record_move(it, {.to = job_state::delayed});
}

}  // namespace millrace::engine::testing
