// Groups of jobs: see engine/group_facts.hpp.
#include <utility>

#include "broker/broker.hpp"
#include "broker/broker_parts.hpp"

namespace millrace::broker {

receipted<result<engine::group_id>> broker::open_group(session_id owner, engine::group_request&& request) {
  auto& p = *parts_;
  auto opened = p.engine.open_group(std::move(request), p.now(), owner);
  return p.commit().answer(std::move(opened));
}

receipted<std::optional<engine::group_id>> broker::continue_group(session_id owner, std::string_view name) {
  auto& p = *parts_;
  auto found = p.engine.continue_group(owner, name, p.now());
  return p.commit().answer(found);
}

receipted<bool> broker::release_group(engine::group_id group) {
  auto& p = *parts_;
  const bool released = p.engine.release_group(group, p.now());
  return p.commit().answer(released);
}

receipted<bool> broker::close_group(engine::group_id group) {
  auto& p = *parts_;
  const bool closed = p.engine.close_group(group, p.now());
  return p.commit().answer(closed);
}

receipted<result<engine::group_id>> broker::put_group(engine::group_request&& request,
                                                      std::vector<engine::output>&& jobs) {
  auto& p = *parts_;
  if (const auto refusal = p.refusal_of(jobs)) {
    const auto* const text = *refusal == engine::reason::too_large ? "a job is larger than a job on disk can be"
                                                                   : "the disk is short of space";
    return commit_tracker::nothing().answer(result<engine::group_id>{error{errc::refused, text}});
  }
  auto put = p.engine.put_group(std::move(request), std::move(jobs), p.now());
  return p.commit().answer(std::move(put));
}

receipted<std::optional<engine::group_facts>> broker::look_at_group(engine::group_id group) {
  return commit_tracker::nothing().answer(parts_->engine.look_at_group(group));
}

subscription broker::subscribe_group_over(std::function<void()> on_group_over) {
  return parts_->group_over.add(std::move(on_group_over));
}

}  // namespace millrace::broker
