#include "engine/bodies.hpp"

#include <cassert>
#include <utility>

namespace millrace::engine {

namespace {

std::uint64_t cost(const job& it) noexcept { return memory_of_body(it.content.size()); }

bool counts_now(const job& it) noexcept { return it.bounded && (it.content.in_memory() || it.wanted); }

std::uint64_t body_memory_max(const core& all) noexcept { return all.limits.body_memory_max.value_or(UINT64_MAX); }

bool above_mark(const core& all) noexcept { return all.body_bytes > body_memory_mark(all); }

void leave_memory(core& all, slot at) {
  job& it = all.jobs[at];
  if (!it.bounded || !it.on_disk || !it.content.in_memory() || it.content.size() == 0) return;
  all.body_bytes -= cost(it);
  it.content = job_body::on_disk(it.content.size());
  if (it.state == job_state::ready) ++all.queue_of(it).ready_on_disk;
}

}  // namespace

std::uint64_t body_memory_mark(const core& all) noexcept {
  const auto most = body_memory_max(all);
  return most - most / 8;
}

void begin_counting(core& all, slot at) {
  job& it = all.jobs[at];
  if (!all.limits.body_memory_max) return;
  it.bounded = it.on_disk || all.queue_of(it).options.durability != durability::memory;
  if (counts_now(it)) all.body_bytes += cost(it);
}

void end_counting(core& all, slot at) noexcept {
  const job& it = all.jobs[at];
  if (counts_now(it)) all.body_bytes -= cost(it);
}

void stored(core& all, slot at) {
  job& it = all.jobs[at];
  it.on_disk = true;
  if (it.state == job_state::reserved) return;
  if (above_mark(all) || all.queue_of(it).ready_on_disk > 0) leave_memory(all, at);
}

void put_back(core& all, slot at) {
  if (all.jobs[at].state != job_state::reserved && above_mark(all)) leave_memory(all, at);
}

void want(core& all, slot at) {
  job& it = all.jobs[at];
  assert(!it.content.in_memory());
  if (it.wanted) return;
  it.wanted = true;
  if (it.bounded) all.body_bytes += cost(it);
  all.wanted_bodies.push_back(it.id);
}

void read_ahead(core& all, queue& from) {
  if (from.ready_on_disk == 0) return;
  if (from.reserves_unlooked > 0) {
    --from.reserves_unlooked;
    return;
  }
  if (all.body_bytes >= body_memory_max(all)) return;
  from.reserves_unlooked = all.limits.body_prefetch / 2;
  from.ready.first_few(all.jobs, all.limits.body_prefetch, all.read_ahead);
  for (const slot at : all.read_ahead) {
    if (all.body_bytes >= body_memory_max(all)) return;
    if (!all.jobs[at].content.in_memory()) want(all, at);
  }
}

void arrived(core& all, slot at, body&& content) {
  job& it = all.jobs[at];
  if (!it.wanted) return;
  it.wanted = false;
  assert(content.size() == it.content.size());
  it.content = std::move(content);
  if (it.state == job_state::ready) --all.queue_of(it).ready_on_disk;
}

void not_arrived(core& all, slot at) noexcept {
  job& it = all.jobs[at];
  if (!it.wanted) return;
  it.wanted = false;
  if (it.bounded) all.body_bytes -= cost(it);
}

}  // namespace millrace::engine
