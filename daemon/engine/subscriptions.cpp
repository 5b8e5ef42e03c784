#include "engine/subscriptions.hpp"

#include <algorithm>
#include <string>

#include "engine/admission.hpp"
#include "engine/groups.hpp"
#include "engine/job_ends.hpp"
#include "engine/reserving.hpp"
#include "engine/transitions.hpp"

namespace millrace::engine {

namespace {

error too_many(std::string_view plural, std::uint32_t limit) {
  return {errc::refused, std::string{plural} + " are limited to " + std::to_string(limit)};
}

result<queue*> find_or_add(core& core, std::string_view name) {
  if (queue* const found = core.queues.find(name)) return found;
  if (core.queues.size() >= core.limits.queues_max) return too_many("queues", core.limits.queues_max);
  return &add_queue(core, name);
}

void let_used_go(core& core, session& client) {
  if (!client.uses) return;
  queue& used = *core.queues.find(client.uses);
  --used.using_sessions;
  client.uses = {};
  mark_for_update(core, used);
}

/// All that ties the session to queues and lines, but not the jobs it holds.
void leave_everything(core& core, session& client) {
  stop_waiting(core, client);
  stop_awaiting_body(core, client);
  withdraw_put(core, client);
  let_used_go(core, client);
  for (const queue_id watched : client.watched) {
    queue& target = *core.queues.find(watched);
    --target.watching_sessions;
    mark_for_update(core, target);
  }
  client.watched.clear();
}

}  // namespace

queue& add_queue(core& core, std::string_view name) {
  queue& added = core.queues.add(name, core.defaults);
  added.row = core.rows.assign(name, added.id, core.now);
  return added;
}

result<queue_id> declare(core& core, std::string_view name, const queue_options& options) {
  if (options.max_jobs == 0 || options.max_bytes == 0) {
    return error{errc::out_of_range, "a queue that may hold nothing"};
  }
  const auto found = find_or_add(core, name);
  if (!found) return found.error();
  queue& target = **found;
  target.declared = true;
  target.options = options;
  mark_for_update(core, target);
  return target.id;
}

bool undeclare(core& core, queue_id id) {
  queue* const found = core.queues.find(id);
  if (found == nullptr) return false;
  found->declared = false;
  return apply_defaults(core, id);
}

bool apply_defaults(core& core, queue_id id) {
  queue* const found = core.queues.find(id);
  if (found == nullptr || found->declared) return false;
  const auto durability = found->options.durability;
  found->options = core.defaults;
  found->options.durability = durability;
  mark_for_update(core, *found);
  return true;
}

result<queue_id> use(core& core, session& client, std::string_view name) {
  const auto found = find_or_add(core, name);
  if (!found) return found.error();
  queue& target = **found;
  if (target.id != client.uses) {
    let_used_go(core, client);
    ++target.using_sessions;
    client.uses = target.id;
  }
  return target.id;
}

result<std::size_t> watch(core& core, session& client, std::string_view name) {
  const queue* const there = core.queues.find(name);
  if (there != nullptr && std::ranges::find(client.watched, there->id) != client.watched.end())
    return client.watched.size();
  if (client.watched.size() >= core.limits.watched_queues_max) {
    return too_many("watched queues", core.limits.watched_queues_max);
  }
  const auto found = find_or_add(core, name);
  if (!found) return found.error();
  ++(*found)->watching_sessions;
  client.watched.push_back((*found)->id);
  return client.watched.size();
}

result<std::size_t> ignore(core& core, session& client, std::string_view name) {
  queue* const there = core.queues.find(name);
  if (there == nullptr) return client.watched.size();
  const auto found = std::ranges::find(client.watched, there->id);
  if (found == client.watched.end()) return client.watched.size();
  if (client.watched.size() == 1) return error{errc::refused, "the only watched queue cannot be ignored"};
  client.watched.erase(found);
  --there->watching_sessions;
  mark_for_update(core, *there);
  return client.watched.size();
}

bool close(core& core, session& client, session_end end) {
  if (!client.closing) {
    client.closing = true;
    leave_everything(core, client);
    close_groups_of(core, client);
  }
  for (std::size_t left = moves_per_turn_max; left > 0 && client.held_first != no_slot; --left) {
    if (end == session_end::lost) {
      interrupt_job(core, client.held_first);
    } else {
      make_ready(core, client.held_first);
    }
  }
  if (client.held_first != no_slot) return false;
  core.sessions.close(client);
  return true;
}

}  // namespace millrace::engine
