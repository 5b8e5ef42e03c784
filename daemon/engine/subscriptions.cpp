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

void let_used_go(core& all, session& client) {
  if (!client.uses) return;
  queue& used = *all.queues.find(client.uses);
  --used.using_sessions;
  client.uses = {};
  look_again(all, used);
}

/// All that ties the session to queues and lines, but not the jobs it holds.
void leave_everything(core& all, session& client) {
  stop_waiting(all, client);
  stop_awaiting_body(all, client);
  withdraw_put(all, client);
  let_used_go(all, client);
  for (const queue_id watched : client.watched) {
    queue& target = *all.queues.find(watched);
    --target.watching_sessions;
    look_again(all, target);
  }
  client.watched.clear();
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
  queue& target = **found;
  target.declared = true;
  target.options = options;
  look_again(all, target);
  return target.id;
}

bool undeclare(core& all, queue_id id) {
  queue* const found = all.queues.find(id);
  if (found == nullptr) return false;
  found->declared = false;
  return apply_defaults(all, id);
}

bool apply_defaults(core& all, queue_id id) {
  queue* const found = all.queues.find(id);
  if (found == nullptr || found->declared) return false;
  const auto durability = found->options.durability;
  found->options = all.defaults;
  found->options.durability = durability;
  look_again(all, *found);
  return true;
}

result<queue_id> use(core& all, session& client, std::string_view name) {
  const auto found = find_or_add(all, name);
  if (!found) return found.error();
  queue& target = **found;
  if (target.id != client.uses) {
    let_used_go(all, client);
    ++target.using_sessions;
    client.uses = target.id;
  }
  return target.id;
}

result<std::size_t> watch(core& all, session& client, std::string_view name) {
  const queue* const there = all.queues.find(name);
  if (there != nullptr && std::ranges::find(client.watched, there->id) != client.watched.end())
    return client.watched.size();
  if (client.watched.size() >= all.limits.watched_queues_max) {
    return too_many("watched queues", all.limits.watched_queues_max);
  }
  const auto found = find_or_add(all, name);
  if (!found) return found.error();
  ++(*found)->watching_sessions;
  client.watched.push_back((*found)->id);
  return client.watched.size();
}

result<std::size_t> ignore(core& all, session& client, std::string_view name) {
  queue* const there = all.queues.find(name);
  if (there == nullptr) return client.watched.size();
  const auto found = std::ranges::find(client.watched, there->id);
  if (found == client.watched.end()) return client.watched.size();
  if (client.watched.size() == 1) return error{errc::refused, "the only watched queue cannot be ignored"};
  client.watched.erase(found);
  --there->watching_sessions;
  look_again(all, *there);
  return client.watched.size();
}

bool close(core& all, session& client) {
  if (!client.closing) {
    client.closing = true;
    leave_everything(all, client);
  }
  for (std::size_t left = moves_per_turn_max; left > 0 && client.held_first != no_slot; --left) {
    make_ready(all, client.held_first);
  }
  if (client.held_first != no_slot) return false;
  all.sessions.close(client);
  return true;
}

}  // namespace millrace::engine
