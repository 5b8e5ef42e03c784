#include "broker/job_trace.hpp"

#include <variant>

#include "loop/loop_core.hpp"

namespace millrace::broker {

namespace {

/// The job of a change that is its put, its end, or a state that is written; none: any other change.
struct job_whose_life_changed {
  job_id operator()(const engine::job_put& put) const { return is_written(put) ? put.job : job_id{}; }
  job_id operator()(const engine::job_gone& gone) const { return is_written(gone) ? gone.job : job_id{}; }
  job_id operator()(const engine::job_moved& moved) const {
    return is_written(moved) && !moved.handed_out ? moved.job : job_id{};
  }
  template <class Other>
  job_id operator()(const Other&) const {
    return {};
  }

  static bool is_written(const auto& change) { return change.durability != engine::durability::memory; }
};

}  // namespace

job_trace::job_trace(loop::event_loop& loop, engine::engine& engine, commit_tracker& commits)
    : loop_{loop}, engine_{engine}, commits_{commits}, durable_{commits.subscribe_durable([this] { on_durable(); })} {}

job_trace::~job_trace() { engine_.observe_states(nullptr); }

void job_trace::begin() {
  names_.fill({});
  changed_.clear();
  waiting_.clear();
  waiting_jobs_ = 0;
  watches_ = true;
  engine_.observe_states(this);
}

loop::trace_recorder* job_trace::running() {
  auto* const trace = loop_.core().trace;
  if (trace == nullptr) {
    watches_ = false;
    engine_.observe_states(nullptr);
  }
  return trace;
}

void job_trace::on_state(job_id job, queue_id queue, std::optional<engine::job_state> state) {
  auto* const trace = running();
  if (trace == nullptr) return;
  trace->job_state(job, name_of(*trace, queue), state ? engine::name_of(*state) : std::string_view{});
}

void job_trace::note(const engine::change_set& changes) {
  if (running() == nullptr) return;
  for (const auto& one : changes) {
    const auto job = std::visit(job_whose_life_changed{}, one);
    if (!job || waiting_jobs_ + changed_.size() >= waiting_max) continue;
    if (changed_.empty() || changed_.back() != job) changed_.push_back(job);
  }
}

void job_trace::handed_over(store::batch_id batch) {
  if (changed_.empty()) return;
  if (waiting_.empty() || waiting_.back().batch != batch) waiting_.push_back({batch, loop_.now(), {}});
  auto& jobs = waiting_.back().jobs;
  jobs.insert(jobs.end(), changed_.begin(), changed_.end());
  waiting_jobs_ += changed_.size();
  changed_.clear();
}

void job_trace::on_durable() {
  while (!waiting_.empty() && commits_.is_durable(waiting_.front().batch)) {
    const auto& done = waiting_.front();
    if (auto* const trace = running()) {
      trace->committed(lane_, "writer", done.batch, done.since);
      for (const auto job : done.jobs) trace->job_mark(job, "committed");
    }
    waiting_jobs_ -= done.jobs.size();
    waiting_.pop_front();
  }
}

std::string_view job_trace::name_of(loop::trace_recorder& trace, queue_id queue) {
  auto& kept = names_.at(queue.value() % names_.size());
  if (kept.queue != queue) kept = {queue, trace.keep_name(engine_.name_of(queue))};
  return kept.name;
}

}  // namespace millrace::broker
