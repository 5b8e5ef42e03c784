// The commands of the engine on groups.
#include <cassert>
#include <utility>

#include "engine/engine.hpp"
#include "engine/groups.hpp"
#include "engine/parts.hpp"
#include "engine/run_command.hpp"

namespace millrace::engine {

result<group_id> engine::open_group(group_request&& request, instant now, session_id owner) {
  return run_command(*parts_, now, [&] {
    session* const client = owner ? parts_->sessions.find(owner) : nullptr;
    assert(!owner || client != nullptr);
    return millrace::engine::open_group(*parts_, client, std::move(request));
  });
}

std::optional<group_id> engine::continue_group(session_id owner, std::string_view name, instant now) {
  return run_command(*parts_, now, [&] {
    session* const client = parts_->sessions.find(owner);
    assert(client != nullptr);
    return millrace::engine::continue_group(*parts_, *client, name);
  });
}

bool engine::release_group(group_id group, instant now) {
  return run_command(*parts_, now, [&] { return millrace::engine::release_group(*parts_, group); });
}

result<group_id> engine::put_group(group_request&& request, std::vector<output>&& jobs, instant now) {
  return run_command(*parts_, now,
                     [&] { return millrace::engine::put_group(*parts_, std::move(request), std::move(jobs)); });
}

bool engine::close_group(group_id group, instant now) {
  return run_command(*parts_, now, [&] { return millrace::engine::close_group(*parts_, group); });
}

void engine::restore_group(kept_group&& group, instant now) {
  assert(parts_->now <= now);
  parts_->now = now;
  millrace::engine::restore_group(*parts_, std::move(group));
}

void engine::restore_last_group(group_id last) { parts_->groups.last = std::max(parts_->groups.last, last.value()); }

std::optional<group_facts> engine::look_at_group(group_id id) const {
  const group* const found = std::as_const(parts_->groups).find(id);
  return found == nullptr ? std::nullopt : std::optional{found->facts};
}

std::optional<reason> engine::refusal_to_join(group_id group) const {
  return millrace::engine::refusal_to_join(*parts_, group);
}

bool engine::groups_are_over(std::string_view name) const { return parts_->groups.is_over(name); }

std::uint64_t engine::departures() const noexcept { return parts_->departures; }

std::uint64_t engine::groups_completed() const { return parts_->groups.completed(); }

std::size_t engine::group_count() const { return parts_->groups.size(); }

std::size_t engine::groups_in_progress() const { return parts_->groups.in_progress; }

}  // namespace millrace::engine
