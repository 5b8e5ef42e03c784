#include "broker/bodies.hpp"

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

void bodies::went_with(store::batch_id batch) {
  for (const auto job : noted_) unsafe_.emplace_back(batch, job);
  noted_.clear();
}

void bodies::more_is_safe() {
  const auto safe = store_.safe_up_to();
  for (auto most = engine::moves_per_turn_max; most > 0 && !unsafe_.empty() && unsafe_.front().first <= safe; --most) {
    engine_.stored(unsafe_.front().second);
    unsafe_.pop_front();
  }
}

void bodies::follow_up() {
  if (!engine_.wants_bodies()) return;
  engine_.take_wanted_bodies(wanted_);
  store_.read_bodies(wanted_);
}

void bodies::look(session_id who, job_id job) {
  // One reading serves all who look, and the engine too, if it has asked for none.
  const bool is_read_already = lookers_.contains(job);
  looked_at_.emplace(who, job);
  lookers_.emplace(job, who);
  if (!is_read_already) store_.read_bodies(std::span{&job, 1});
}

void bodies::look_no_more(session_id who) {
  const auto found = looked_at_.find(who);
  if (found == looked_at_.end()) return;
  const auto [first, last] = lookers_.equal_range(found->second);
  for (auto it = first; it != last; ++it) {
    if (it->second != who) continue;
    lookers_.erase(it);
    break;
  }
  looked_at_.erase(found);
}

std::vector<session_id> bodies::lookers(job_id job) {
  std::vector<session_id> all;
  if (lookers_.empty()) return all;
  const auto [first, last] = lookers_.equal_range(job);
  for (auto it = first; it != last; ++it) {
    all.push_back(it->second);
    looked_at_.erase(it->second);
  }
  lookers_.erase(first, last);
  return all;
}

}  // namespace millrace::broker
