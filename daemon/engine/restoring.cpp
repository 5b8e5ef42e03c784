// What a store kept comes back into the engine.
#include <algorithm>
#include <cassert>
#include <memory>

#include "engine/bodies.hpp"
#include "engine/engine.hpp"
#include "engine/job_ends.hpp"
#include "engine/parts.hpp"
#include "engine/subscriptions.hpp"
#include "engine/transitions.hpp"

namespace millrace::engine {

namespace {

void interrupt_restored(core& core, job_id job) {
  const slot at = core.jobs.find(job);
  // A dead letter before it may have pushed it out of a queue that drops.
  if (at == no_slot) return;
  // Where its queue says nothing, the hand-out was written because other processes worked on the job.
  interrupt_job(core, at, std::nullopt, process_deliveries_max);
}

}  // namespace

queue_id engine::restore_queue(std::string_view name) {
  if (const queue* const found = parts_->queues.find(name)) return found->id;
  // Whatever the limit of queues is now: jobs that were acknowledged are not lost to it.
  return add_queue(*parts_, name).id;
}

void engine::restore(kept_job&& job, instant now) {
  assert(parts_->now <= now && job.job <= job_id_max);
  // A new highest id needs no look.
  assert(job.job.value() > parts_->last_job || parts_->jobs.find(job.job) == no_slot);
  parts_->now = now;
  queue* const into = parts_->queues.find(job.queue);
  assert(into != nullptr);
  if (job.handed_out) parts_->handed_out.push_back(job.job);
  restore_job(*parts_, *into, std::move(job));
}

void engine::restore_pause(queue_id id, instant until, duration length, instant now) {
  assert(parts_->now <= now);
  parts_->now = now;
  queue* const found = parts_->queues.find(id);
  assert(found != nullptr);
  if (until <= now) return;  // it ended while the daemon was down
  found->paused_for = length;
  found->paused_until = until;
  parts_->due.set(found->pause_end, until, {due_kind::pause_end, found->id.value()});
}

void engine::restore_ids(std::uint64_t mark) {
  assert(mark <= job_id_max.value());
  parts_->last_job = std::max(parts_->last_job, mark);
}

bool engine::end_restoring(std::size_t jobs_max) {
  auto& order = parts_->restored_order;
  if (!parts_->in_order) {
    if (!order) order = std::make_unique<entry_order>(*parts_);
    if (!order->advance(jobs_max)) return false;
    order.reset();
    parts_->in_order = true;
  }
  // Now that jobs may move.
  auto& interrupted = parts_->handed_out;
  for (std::size_t left = jobs_max; left > 0 && !interrupted.empty(); --left) {
    interrupt_restored(*parts_, interrupted.front());
    interrupted.pop_front();
  }
  return interrupted.empty();
}

std::uint64_t engine::body_memory_at_start() const { return body_memory_mark(*parts_); }

job_id engine::last_id() const { return job_id{parts_->last_job}; }

}  // namespace millrace::engine
