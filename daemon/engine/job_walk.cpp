// Walks over the jobs of one queue and state: the functions of `engine` that find jobs and change what they find.
#include "engine/job_walk.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "engine/engine.hpp"
#include "engine/job_changes.hpp"
#include "engine/job_facts.hpp"
#include "engine/parts.hpp"
#include "engine/run_command.hpp"

namespace millrace::engine {

namespace {

enum class verdict { matches, differs, needs_body };

/// Applies a filter to one job after another, and adds up the bytes of bodies that this reads.
class matcher {
 public:
  explicit matcher(const job_filter& filter) noexcept : filter_{filter} {}

  [[nodiscard]] verdict judge(const core& core, const cursor& walk, slot at) {
    const job& record = core.jobs[at];
    const job_history& history = core.jobs.history_if_any(at);
    if (record.entered_at > filter_.entered_until || record.id.value() > filter_.last_job) return verdict::differs;
    if (filter_.cause && history.details.cause != filter_.cause) return verdict::differs;
    if (!filter_.origin.empty() && history.details.origin != filter_.origin) return verdict::differs;
    if (filter_.text.empty() || contains_text(history.error_text, filter_.text)) return verdict::matches;
    if (walk.body_decided_for == record.id) return walk.body_matches ? verdict::matches : verdict::differs;
    if (!record.content.in_memory()) return verdict::needs_body;
    const body content = record.content.content();
    const auto searched = content.view().substr(0, searched_bytes_max);
    bytes_ += searched.size();
    return contains_text(searched, filter_.text) ? verdict::matches : verdict::differs;
  }
  [[nodiscard]] bool has_searched_enough() const noexcept { return bytes_ >= searched_bytes_max; }

 private:
  const job_filter& filter_;
  std::size_t bytes_{0};
};

/// The cursor, if its queue still exists.
cursor* find_walk(core& core, cursor_id id) {
  cursor* const walk = core.walks.find(id);
  if (walk == nullptr || core.queues.find(walk->queue) != nullptr) return walk;
  core.walks.close(id);
  return nullptr;
}

/// Calls `found(slot)` for each job that the filter finds, at most `most` of them; the cursor is behind the job then.
template <class Found>
walk_step walk_on(core& core, cursor_id id, const job_filter& filter, std::size_t most, Found found) {
  walk_step step;
  cursor* const walk = find_walk(core, id);
  step.is_gone = walk == nullptr;
  if (step.is_gone) return step;
  matcher matcher{filter};
  for (;;) {
    const slot at = cursors::present(*walk);
    // The jobs come in the order in which they entered, so that none behind this one is old enough.
    step.is_end = at == no_slot || core.jobs[at].entered_at > filter.entered_until;
    if (step.is_end || step.seen == jobs_per_step_max || step.matched == most || matcher.has_searched_enough()) break;
    const auto verdict = matcher.judge(core, *walk, at);
    if (verdict == verdict::needs_body) {
      step.body_needed = core.jobs[at].id;
      break;
    }
    cursors::pass(core.jobs, *walk);
    ++step.seen;
    if (verdict == verdict::differs) continue;
    ++step.matched;
    found(at);
  }
  step.has_next = walk->next != no_slot && core.jobs[walk->next].entered_at <= filter.entered_until;
  return step;
}

}  // namespace

bool contains_text(std::string_view bytes, std::string_view text) noexcept {
  return ::memmem(bytes.data(), bytes.size(), text.data(), text.size()) != nullptr;
}

std::optional<cursor_id> engine::open_cursor(queue_id id, job_state state, cursor_owner owner) {
  queue* const found = parts_->queues.find(id);
  if (found == nullptr) return std::nullopt;
  const state_list& jobs = found->at(state);
  return parts_->walks.open(parts_->jobs, id, state, jobs.first, jobs.last, owner).id;
}

void engine::close_cursor(cursor_id id) { parts_->walks.close(id); }

page_status engine::begin_page(cursor_id id, std::uint32_t page) {
  cursor* const walk = find_walk(*parts_, id);
  if (walk == nullptr) return page_status::gone;
  if (!cursors::begin_page(parts_->jobs, *walk, page)) return page_status::over;
  return walk->repeats ? page_status::repeated : page_status::begun;
}

walk_step engine::find_jobs(cursor_id id, const job_filter& filter, std::size_t most, std::vector<job_facts>& into) {
  return walk_on(*parts_, id, filter, most, [&](slot at) { into.push_back(facts_of(*parts_, at)); });
}

walk_step engine::change_jobs(cursor_id id, const job_filter& filter, const job_change& wanted, std::size_t most,
                              instant now) {
  return run_command(*parts_, now, [&] {
    std::size_t changed = 0;
    auto step = walk_on(*parts_, id, filter, std::min(most, moves_per_turn_max), [&](slot at) {
      if (millrace::engine::change_job(*parts_, at, wanted) == change_result::changed) ++changed;
    });
    step.changed = changed;
    return step;
  });
}

void engine::decide_body(cursor_id id, job_id job, bool matches) {
  cursor* const walk = parts_->walks.find(id);
  if (walk == nullptr) return;
  walk->body_decided_for = job;
  walk->body_matches = matches;
}

change_result engine::change_job(job_id id, const job_change& wanted, instant now) {
  return run_command(*parts_, now, [&] {
    const slot at = parts_->jobs.find(id);
    return at == no_slot ? change_result::not_found : millrace::engine::change_job(*parts_, at, wanted);
  });
}

}  // namespace millrace::engine
