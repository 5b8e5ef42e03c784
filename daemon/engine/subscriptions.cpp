#include "engine/subscriptions.hpp"

#include <algorithm>
#include <string>

#include "engine/admission.hpp"
#include "engine/reserving.hpp"
#include "engine/transitions.hpp"

namespace millrace::engine {

namespace {

error too_many(std::string_view plural, std::uint32_t limit) {
  return {errc::refused, std::string{plural} + " are limited to " + std::to_string(limit)};
}

result<queue*> find_or_add(core& all, std::string_view name) {
  if (queue* const found = all.queues.find(name)) return found;
  if (all.queues.size() >= all.limits.queues_max) return too_many("queues", all.limits.queues_max);
  return &add_queue(all, name);
}

void let_used_go(core& all, session& who) {
  if (!who.uses) return;
  queue& used = *all.queues.find(who.uses);
  --used.using_sessions;
  who.uses = {};
  look_again(all, used);
}

/// All that ties the session to queues and lines, but not the jobs it holds.
void leave_everything(core& all, session& who) {
  stop_waiting(all, who);
  stop_awaiting_body(all, who);
  withdraw_put(all, who);
  let_used_go(all, who);
  for (const queue_id watched : who.watched) {
    queue& it = *all.queues.find(watched);
    --it.watching_sessions;
    look_again(all, it);
  }
  who.watched.clear();
}

}  // namespace

queue& add_queue(core& all, std::string_view name) {
  queue& added = all.queues.add(name, all.defaults);
  added.row = all.rows.assign(name, added.id, all.now);
  return added;
}

result<queue_id> declare(core& all, std::string_view name, const queue_options& options) {
  if (options.max_jobs == 0 || options.max_bytes == 0) {
    return error{errc::out_of_range, "a queue that may hold nothing"};
  }
  const auto found = find_or_add(all, name);
  if (!found) return found.error();
  queue& it = **found;
  it.declared = true;
  it.options = options;
  look_again(all, it);
  return it.id;
}

result<queue_id> use(core& all, session& who, std::string_view name) {
  const auto found = find_or_add(all, name);
  if (!found) return found.error();
  queue& it = **found;
  if (it.id != who.uses) {
    let_used_go(all, who);
    ++it.using_sessions;
    who.uses = it.id;
  }
  return it.id;
}

result<std::size_t> watch(core& all, session& who, std::string_view name) {
  const queue* const there = all.queues.find(name);
  if (there != nullptr && std::ranges::find(who.watched, there->id) != who.watched.end()) return who.watched.size();
  if (who.watched.size() >= all.limits.watched_queues_max) {
    return too_many("watched queues", all.limits.watched_queues_max);
  }
  const auto found = find_or_add(all, name);
  if (!found) return found.error();
  ++(*found)->watching_sessions;
  who.watched.push_back((*found)->id);
  return who.watched.size();
}

result<std::size_t> ignore(core& all, session& who, std::string_view name) {
  queue* const there = all.queues.find(name);
  const auto found = there == nullptr ? who.watched.end() : std::ranges::find(who.watched, there->id);
  if (found == who.watched.end()) return who.watched.size();
  if (who.watched.size() == 1) return error{errc::refused, "the only watched queue cannot be ignored"};
  who.watched.erase(found);
  --there->watching_sessions;
  look_again(all, *there);
  return who.watched.size();
}

bool close(core& all, session& who) {
  if (!who.closing) {
    who.closing = true;
    leave_everything(all, who);
  }
  for (std::size_t left = moves_per_turn_max; left > 0 && who.held_first != no_slot; --left) {
    make_ready(all, who.held_first);
  }
  if (who.held_first != no_slot) return false;
  all.sessions.close(who);
  return true;
}

}  // namespace millrace::engine
