#include "broker/bodies.hpp"

#include <algorithm>
#include <span>
#include <variant>

namespace millrace::broker {

bodies::bodies(engine::engine& engine, store::store& store, bool bounded)
    : engine_{engine}, store_{store}, bounded_{bounded} {}

void bodies::note(const engine::change_set& changes) {
  for (const auto& one : changes) {
    const auto* const put = std::get_if<engine::job_put>(&one);
    if (put == nullptr || put->durability == engine::durability::memory) continue;
    noted_.push_back(put->job);
  }
}

void bodies::written_with(store::batch_id batch) {
  for (const auto job : noted_) not_durable_.emplace_back(batch, job);
  noted_.clear();
}

void bodies::on_durable() {
  const auto safe = store_.durable_up_to();
  for (auto most = engine::moves_per_turn_max; most > 0 && !not_durable_.empty() && not_durable_.front().first <= safe;
       --most) {
    engine_.stored(not_durable_.front().second);
    not_durable_.pop_front();
  }
}

void bodies::follow_up() {
  if (!engine_.wants_bodies()) return;
  engine_.take_wanted_bodies(wanted_);
  store_.read_bodies(wanted_);
}

void bodies::begin_peek(session_id session, job_id job) {
  // One read serves all sessions that peek at the job, and the engine too if it wants the body.
  const bool is_read_already = peekers_.contains(job);
  peeked_jobs_.emplace(session, job);
  peekers_.emplace(job, session);
  if (!is_read_already) store_.read_bodies(std::span{&job, 1});
}

void bodies::end_peek(session_id session) {
  const auto found = peeked_jobs_.find(session);
  if (found == peeked_jobs_.end()) return;
  const auto [first, last] = peekers_.equal_range(found->second);
  const auto peeker = std::find_if(first, last, [session](const auto& entry) { return entry.second == session; });
  if (peeker != last) peekers_.erase(peeker);
  peeked_jobs_.erase(found);
}

std::vector<session_id> bodies::take_peekers(job_id job) {
  std::vector<session_id> sessions;
  if (peekers_.empty()) return sessions;
  const auto [first, last] = peekers_.equal_range(job);
  for (auto entry = first; entry != last; ++entry) {
    sessions.push_back(entry->second);
    peeked_jobs_.erase(entry->second);
  }
  peekers_.erase(first, last);
  return sessions;
}

}  // namespace millrace::broker
