// Many jobs that are put together, all or none.
#include <algorithm>
#include <utility>

#include "engine/admission.hpp"
#include "engine/groups.hpp"
#include "engine/transitions.hpp"

namespace millrace::engine {

namespace {

error refused(const queue& by, const char* cause) { return {errc::refused, "queue " + by.name + ": " + cause}; }

/// Fills `core.demands`, one for each queue.
result<> add_up(core& core, const std::vector<output>& jobs) {
  core.demands.clear();
  for (const output& one : jobs) {
    if (core.queues.find(one.queue) == nullptr) return error{errc::not_found, "a queue is gone"};
    const slot into = queue_table::slot_of(one.queue);
    auto found = std::ranges::find(core.demands, into, &std::pair<slot, demand>::first);
    if (found == core.demands.end()) found = core.demands.insert(found, {into, demand{.jobs = 0}});
    ++found->second.jobs;
    found->second.bytes += one.job.content.size();
  }
  return {};
}

result<> check_capacity(core& core) {
  for (const auto& [into, needed] : core.demands) {
    queue& target = core.queues[into];
    switch (capacity_in(target, needed, false)) {
      case capacity::free:
      case capacity::after_drops:
        break;
      case capacity::later:
      case capacity::none:
        target.counts.rejected.add(target.could_fit(needed) ? reason::overflow : reason::too_large);
        return refused(target, target.could_fit(needed) ? "it is full" : "the jobs can never fit");
    }
  }
  return {};
}

}  // namespace

result<group_id> put_group(core& core, group_request&& request, std::vector<output>&& jobs) {
  if (core.refusing_puts) return error{errc::refused, "the daemon is draining"};
  if (core.ids_left() < jobs.size()) return error{errc::refused, "no job ids are left"};
  if (jobs.size() > core.limits.group_members_max)
    return error{errc::refused, "members of a group are limited to " + std::to_string(core.limits.group_members_max)};
  if (const auto added = add_up(core, jobs); added.has_error()) return added.error();
  if (const auto capacity = check_capacity(core); capacity.has_error()) return capacity.error();
  for (const output& one : jobs)
    request.durability = std::max(request.durability, core.queues.find(one.queue)->options.durability);
  const auto opened = open_group(core, nullptr, std::move(request));
  if (opened.has_error()) return opened.error();
  for (const auto& [into, needed] : core.demands) {
    if (capacity_in(core.queues[into], needed, false) == capacity::after_drops)
      drop_until_fits(core, core.queues[into], needed);
  }
  for (output& one : jobs) {
    one.job.group = *opened;
    put_job(core, *core.queues.find(one.queue), std::move(one.job));
  }
  close_group(core, *opened);
  return opened;
}

}  // namespace millrace::engine
