#include "engine/engine.hpp"
#include "engine/job_facts.hpp"
#include "engine/parts.hpp"
#include "engine/reserving.hpp"

namespace millrace::engine {

namespace {

instant due_shown(const core& core, const job& record) noexcept {
  if (record.state == job_state::delayed) return due_of(record);
  if (record.state != job_state::reserved || !record.leased) return never;
  const auto due = core.due.due_of(record.link[2]);
  const bool margin_to_come = core.limits.lease_margin > duration::zero() && !record.deadline_soon;
  return margin_to_come ? saturating_add(due, core.limits.lease_margin) : due;
}

}  // namespace

job_facts facts_of(const core& core, slot at) {
  const job& record = core.jobs[at];
  const job_history& history = core.jobs.history_if_any(at);
  job_facts facts;
  static_cast<job_tally&>(facts) = tally_of(record, history);
  facts.job = record.id;
  facts.queue = core.queues[record.queue].id;
  facts.state = record.state;
  if (record.content.in_memory()) facts.content = record.content.content();
  facts.bytes = record.content.size();
  facts.content_on_disk = !record.content.in_memory();
  facts.priority = record.priority;
  facts.put_at = record.put_at;
  facts.entered_state_at = record.entered_at;
  facts.delay = record.delay;
  facts.ttr = record.ttr;
  facts.due = due_shown(core, record);
  if (record.holder != no_slot) facts.holder = core.sessions[record.holder].id;
  facts.error_text = history.error_text;
  facts.details = history.details;
  return facts;
}

namespace {

std::optional<job_facts> facts_if_any(const core& core, slot at) {
  return at == no_slot ? std::nullopt : std::optional{facts_of(core, at)};
}

}  // namespace

std::optional<queue_id> engine::find(std::string_view name) const {
  const queue* const found = std::as_const(parts_->queues).find(name);
  return found == nullptr ? std::nullopt : std::optional{found->id};
}

std::string_view engine::name_of(queue_id id) const {
  const queue* const found = parts_->queues.find(id);
  return found == nullptr ? std::string_view{} : found->name;
}

const queue_options& engine::options_of(queue_id id) const {
  const queue* const found = parts_->queues.find(id);
  return found == nullptr ? parts_->defaults : found->options;
}

queue_id engine::used(session_id id) const {
  const session* const found = parts_->sessions.find(id);
  return found == nullptr ? queue_id{} : found->uses;
}

std::span<const queue_id> engine::watched(session_id id) const {
  const session* const found = parts_->sessions.find(id);
  return found == nullptr ? std::span<const queue_id>{} : found->watched;
}

bool engine::holds_jobs(session_id id) const {
  const session* const found = parts_->sessions.find(id);
  return found != nullptr && found->held_first != no_slot;
}

bool engine::awaits_body(session_id id) const {
  const session* const found = parts_->sessions.find(id);
  return found != nullptr && found->awaited != no_slot;
}

std::optional<ready_job> engine::next_ready(session_id id) const {
  const session* const found = parts_->sessions.find(id);
  const slot best = found == nullptr ? no_slot : best_ready(*parts_, *found);
  if (best == no_slot) return std::nullopt;
  const job& record = parts_->jobs[best];
  return ready_job{record.id, record.entered_at};
}

std::optional<job_facts> engine::look(job_id id) const { return facts_if_any(*parts_, parts_->jobs.find(id)); }

std::uint64_t engine::bytes_of(job_id id) const {
  const slot at = parts_->jobs.find(id);
  return at == no_slot ? 0 : parts_->jobs[at].content.size();
}

std::optional<job_facts> engine::first_ready(queue_id id) const {
  const queue* const found = parts_->queues.find(id);
  return found == nullptr ? std::nullopt : facts_if_any(*parts_, found->ready.first(parts_->jobs));
}

std::optional<job_facts> engine::first_delayed(queue_id id) const {
  const queue* const found = parts_->queues.find(id);
  return found == nullptr ? std::nullopt : facts_if_any(*parts_, found->delayed.first());
}

std::optional<job_facts> engine::first_buried(queue_id id) const {
  const queue* const found = parts_->queues.find(id);
  return found == nullptr ? std::nullopt : facts_if_any(*parts_, found->at(job_state::buried).first);
}

queue_levels engine::levels(queue_id id) const {
  const queue* const found = parts_->queues.find(id);
  return found == nullptr ? queue_levels{} : found->levels(parts_->jobs);
}

const queue_counts& engine::counts(queue_id id) const {
  static const queue_counts none;
  const queue* const found = parts_->queues.find(id);
  return found == nullptr ? none : found->counts;
}

const queue_timings& engine::timings(queue_id id) const {
  const queue* const found = parts_->queues.find(id);
  if (found == nullptr || found->row == queue_rows::none) return parts_->other_timings;
  return parts_->rows.timings(found->row);
}

const queue_timings& engine::other_timings() const { return parts_->other_timings; }

const queue_rows& engine::rows() const { return parts_->rows; }

bool engine::has_row(queue_id id) const {
  const queue* const found = parts_->queues.find(id);
  return found != nullptr && found->row != queue_rows::none;
}

const queue_counts& engine::counts_of_removed() const { return parts_->removed_counts; }

std::size_t engine::list_queues(std::size_t start, std::size_t most, std::vector<queue_id>& into) const {
  return parts_->queues.list(start, most, into);
}

bool engine::has_cursor(cursor_id id) const { return parts_->walks.contains(id); }

std::size_t engine::queue_count() const { return parts_->queues.size(); }

std::size_t engine::job_count() const { return parts_->jobs.size(); }

engine_totals engine::totals() const {
  const core& core = *parts_;
  const auto count_of = [&](job_state state) { return core.jobs_in[static_cast<std::size_t>(state)]; };
  return {.ready = count_of(job_state::ready),
          .reserved = count_of(job_state::reserved),
          .delayed = count_of(job_state::delayed),
          .buried = count_of(job_state::buried),
          .urgent = core.urgent,
          .puts = core.puts,
          .ttr_expired = core.ttr_expired};
}

std::uint64_t engine::bytes_of_bodies() const { return parts_->body_bytes; }

std::size_t engine::bytes_of_records() const { return parts_->jobs.bytes(); }

}  // namespace millrace::engine
