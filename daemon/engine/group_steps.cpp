#include "engine/group_steps.hpp"

#include <algorithm>
#include <vector>

#include "base/utf8.hpp"

namespace millrace::engine {

namespace {

/// The text as it is kept: at most `group_text_bytes_max` of it, and what the limits of the group and of all groups
/// leave.
std::string_view kept_text(const core& core, const group& of, std::string_view text) {
  const auto left = [](std::uint64_t most, std::uint64_t used) { return most > used ? most - used : 0; };
  const std::uint64_t bytes_max =
      std::min({std::uint64_t{group_text_bytes_max}, left(group_outcome_bytes_max, of.text_bytes),
                left(core.limits.group_texts_bytes_max, core.groups.text_bytes)});
  return utf8_prefix(text, bytes_max);
}

}  // namespace

void touch(core& core, group& changed) {
  if (changed.touched) return;
  changed.touched = true;
  core.groups.touched.push_back(changed.id);
}

void set_deadline(core& core, group& of) {
  instant due = never;
  if (of.restored || of.cancels) {
    due = core.now;
  } else if (of.outcome_text) {
    // Not now: then each command of this turn would do a step.
    due = after(core.now, duration{1});
  } else if (!of.closed && !of.owner) {
    due = of.open_until;
  }
  if (due == never) {
    core.due.clear(of.deadline);
  } else {
    core.due.set(of.deadline, due, {due_kind::group, of.id.value()});
  }
}

void set_closed(core& core, group& closed) {
  closed.closed = true;
  if (!closed.ended()) closed.facts.state = group_state::closed;
  if (session* const owner = core.sessions.find(closed.owner)) std::erase(owner->groups, closed.id);
  closed.owner = {};
  set_deadline(core, closed);
  touch(core, closed);
}

void end_member(core& core, group& of, std::uint32_t place, outcome result, std::string_view text) {
  group::member& member = of.members[place];
  member.has_ended = true;
  member.end.result = result;
  ++of.facts.ended;
  if (result == outcome::ok) ++of.facts.succeeded;
  member.is_late = of.outcome_text != nullptr;
  const bool is_read =
      !of.facts.outcome_queue.empty() && !of.facts.outcome_put && !of.outcome_waits && !of.outcome_text;
  if (is_read && !text.empty()) {
    const auto kept = kept_text(core, of, text);
    member.end.text = kept;
    member.end.is_cut = kept.size() < text.size();
    of.text_bytes += kept.size();
    core.groups.text_bytes += kept.size();
  }
  if (is_recorded(of)) core.record_change(group_member_ended{of.id, place, member.end, of.durability});
  touch(core, of);
}

}  // namespace millrace::engine
