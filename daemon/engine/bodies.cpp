#include "engine/bodies.hpp"

#include <cassert>
#include <utility>

namespace millrace::engine {

namespace {

std::uint64_t cost(const job& record) noexcept { return memory_of_body(record.content.size()); }

bool counts_now(const job& record) noexcept {
  return record.memory_limited && (record.content.in_memory() || record.body_requested);
}

std::uint64_t body_memory_max(const core& core) noexcept { return core.limits.body_memory_max.value_or(UINT64_MAX); }

bool above_mark(const core& core) noexcept { return core.body_bytes > body_memory_mark(core); }

void leave_memory(core& core, slot at) {
  job& record = core.jobs[at];
  if (!record.memory_limited || !record.on_disk || !record.content.in_memory() || record.content.size() == 0) return;
  core.body_bytes -= cost(record);
  record.content = job_body::on_disk(record.content.size());
  if (record.state == job_state::ready) ++core.queue_of(record).ready_on_disk;
}

}  // namespace

std::uint64_t body_memory_mark(const core& core) noexcept {
  const auto most = body_memory_max(core);
  return most - most / 8;
}

void begin_counting(core& core, slot at) {
  job& record = core.jobs[at];
  if (!core.limits.body_memory_max) return;
  record.memory_limited = record.on_disk || core.queue_of(record).options.durability != durability::memory;
  if (counts_now(record)) core.body_bytes += cost(record);
}

void end_counting(core& core, slot at) noexcept {
  const job& record = core.jobs[at];
  if (counts_now(record)) core.body_bytes -= cost(record);
}

void stored(core& core, slot at) {
  job& record = core.jobs[at];
  record.on_disk = true;
  if (record.state == job_state::reserved) return;
  if (above_mark(core) || core.queue_of(record).ready_on_disk > 0) leave_memory(core, at);
}

void evict_if_above_mark(core& core, slot at) {
  if (core.jobs[at].state != job_state::reserved && above_mark(core)) leave_memory(core, at);
}

void request_body(core& core, slot at) {
  job& record = core.jobs[at];
  assert(!record.content.in_memory());
  if (record.body_requested) return;
  record.body_requested = true;
  if (record.memory_limited) core.body_bytes += cost(record);
  core.wanted_bodies.push_back(record.id);
}

void read_ahead(core& core, queue& origin) {
  if (origin.ready_on_disk == 0) return;
  if (origin.reserves_until_read_ahead > 0) {
    --origin.reserves_until_read_ahead;
    return;
  }
  if (core.body_bytes >= body_memory_max(core)) return;
  origin.reserves_until_read_ahead = core.limits.body_prefetch / 2;
  origin.ready.first_few(core.jobs, core.limits.body_prefetch, core.read_ahead);
  for (const slot at : core.read_ahead) {
    if (core.body_bytes >= body_memory_max(core)) return;
    if (!core.jobs[at].content.in_memory()) request_body(core, at);
  }
}

void body_read(core& core, slot at, body&& content) {
  job& record = core.jobs[at];
  if (!record.body_requested) return;
  record.body_requested = false;
  assert(content.size() == record.content.size());
  record.content = std::move(content);
  if (record.state == job_state::ready) --core.queue_of(record).ready_on_disk;
}

void body_read_failed(core& core, slot at) noexcept {
  job& record = core.jobs[at];
  if (!record.body_requested) return;
  record.body_requested = false;
  if (record.memory_limited) core.body_bytes -= cost(record);
}

}  // namespace millrace::engine
