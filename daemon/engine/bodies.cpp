#include "engine/bodies.hpp"

#include <cassert>
#include <utility>

namespace millrace::engine {

namespace {

std::uint64_t cost(const job& record) noexcept { return memory_of_body(record.content.size()); }

bool counts_now(const job& record) noexcept { return record.bounded && (record.content.in_memory() || record.wanted); }

std::uint64_t body_memory_max(const core& all) noexcept { return all.limits.body_memory_max.value_or(UINT64_MAX); }

bool above_mark(const core& all) noexcept { return all.body_bytes > body_memory_mark(all); }

void leave_memory(core& all, slot at) {
  job& record = all.jobs[at];
  if (!record.bounded || !record.on_disk || !record.content.in_memory() || record.content.size() == 0) return;
  all.body_bytes -= cost(record);
  record.content = job_body::on_disk(record.content.size());
  if (record.state == job_state::ready) ++all.queue_of(record).ready_on_disk;
}

}  // namespace

std::uint64_t body_memory_mark(const core& all) noexcept {
  const auto most = body_memory_max(all);
  return most - most / 8;
}

void begin_counting(core& all, slot at) {
  job& record = all.jobs[at];
  if (!all.limits.body_memory_max) return;
  record.bounded = record.on_disk || all.queue_of(record).options.durability != durability::memory;
  if (counts_now(record)) all.body_bytes += cost(record);
}

void end_counting(core& all, slot at) noexcept {
  const job& record = all.jobs[at];
  if (counts_now(record)) all.body_bytes -= cost(record);
}

void stored(core& all, slot at) {
  job& record = all.jobs[at];
  record.on_disk = true;
  if (record.state == job_state::reserved) return;
  if (above_mark(all) || all.queue_of(record).ready_on_disk > 0) leave_memory(all, at);
}

void put_back(core& all, slot at) {
  if (all.jobs[at].state != job_state::reserved && above_mark(all)) leave_memory(all, at);
}

void want(core& all, slot at) {
  job& record = all.jobs[at];
  assert(!record.content.in_memory());
  if (record.wanted) return;
  record.wanted = true;
  if (record.bounded) all.body_bytes += cost(record);
  all.wanted_bodies.push_back(record.id);
}

void read_ahead(core& all, queue& origin) {
  if (origin.ready_on_disk == 0) return;
  if (origin.reserves_unlooked > 0) {
    --origin.reserves_unlooked;
    return;
  }
  if (all.body_bytes >= body_memory_max(all)) return;
  origin.reserves_unlooked = all.limits.body_prefetch / 2;
  origin.ready.first_few(all.jobs, all.limits.body_prefetch, all.read_ahead);
  for (const slot at : all.read_ahead) {
    if (all.body_bytes >= body_memory_max(all)) return;
    if (!all.jobs[at].content.in_memory()) want(all, at);
  }
}

void arrived(core& all, slot at, body&& content) {
  job& record = all.jobs[at];
  if (!record.wanted) return;
  record.wanted = false;
  assert(content.size() == record.content.size());
  record.content = std::move(content);
  if (record.state == job_state::ready) --all.queue_of(record).ready_on_disk;
}

void not_arrived(core& all, slot at) noexcept {
  job& record = all.jobs[at];
  if (!record.wanted) return;
  record.wanted = false;
  if (record.bounded) all.body_bytes -= cost(record);
}

}  // namespace millrace::engine
