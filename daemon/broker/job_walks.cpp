// Finding and changing many jobs, and the actions that do so over a restart.
#include <utility>

#include "broker/broker.hpp"
#include "broker/broker_parts.hpp"

namespace millrace::broker {

std::optional<engine::cursor_id> broker::open_cursor(queue_id queue, engine::job_state state,
                                                     engine::cursor_owner owner) {
  auto& p = *parts_;
  p.engine.advance(p.now());
  const auto opened = p.engine.open_cursor(queue, state, owner);
  p.commit_without_receipt();
  return opened;
}

void broker::close_cursor(engine::cursor_id cursor) { parts_->engine.close_cursor(cursor); }

engine::page_status broker::begin_page(engine::cursor_id cursor, std::uint32_t page) {
  return parts_->engine.begin_page(cursor, page);
}

receipted<engine::walk_step> broker::find_jobs(engine::cursor_id cursor, const engine::job_filter& filter,
                                               std::size_t most, std::vector<engine::job_facts>& into) {
  auto& p = *parts_;
  const auto step = p.engine.find_jobs(cursor, filter, most, into);
  return p.commits.known_ids(p.engine.last_id()).answer_with_ids(step);
}

receipted<engine::walk_step> broker::change_jobs(engine::cursor_id cursor, const engine::job_filter& filter,
                                                 const engine::job_change& change, std::size_t most) {
  auto& p = *parts_;
  const auto step = p.engine.change_jobs(cursor, filter, change, most, p.now());
  return p.commit().answer(step);
}

void broker::decide_body(engine::cursor_id cursor, job_id job, bool matches) {
  parts_->engine.decide_body(cursor, job, matches);
}

receipted<engine::change_result> broker::change_job(job_id job, const engine::job_change& change) {
  auto& p = *parts_;
  const auto result = p.engine.change_job(job, change, p.now());
  return p.commit().answer(result);
}

void broker::keep_action(std::uint64_t action, std::string description) {
  auto& p = *parts_;
  if (p.commits.is_persistent())
    p.action_changes.emplace_back(engine::action_kept{action, std::move(description), engine::durability::relaxed});
}

void broker::forget_action(std::uint64_t action) {
  auto& p = *parts_;
  if (!p.commits.is_persistent()) return;
  p.action_changes.emplace_back(engine::action_gone{action, engine::durability::relaxed});
  p.commit_without_receipt();
}

void broker::restore_action(std::uint64_t action, std::string description) {
  parts_->kept_actions.emplace_back(action, std::move(description));
}

std::vector<kept_action> broker::take_kept_actions() { return std::exchange(parts_->kept_actions, {}); }

}  // namespace millrace::broker
