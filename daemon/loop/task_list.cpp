#include "loop/task_list.hpp"

#include <algorithm>
#include <cassert>
#include <tuple>
#include <utility>

namespace millrace::loop {

task_record& task_list::add(std::string name, instant now) {
  if (free_.empty()) {
    free_.reserve(records_.size() + 1);  // so that `remove` never fails
    free_.push_back(&records_.emplace_back(turn_));
  }
  task_record& task = *free_.back();
  free_.pop_back();
  task.id = task_id{++ids_};
  {
    const std::lock_guard hold{names_};
    task.name = std::move(name);
  }
  // A copy of a few bytes into what the record has already: less than the lock above.
  const auto* const creator = static_cast<const task_record*>(turn_.current.load(std::memory_order_relaxed));
  if (creator == nullptr || creator == &loop_itself_) {
    task.creator.clear();
  } else {
    task.creator = creator->name;
  }
  task.progress.clear();
  task.began = now;
  task.started = false;
  task.cancelled = false;
  task.wait_began = {};
  task.lane = {};
  task.waits_for = "its first turn";
  task.turns = 0;
  return task;
}

void task_list::remove(task_record& task) {
  assert(task.id);
  task.id = {};
  task.stop.slot().clear();
  free_.push_back(&task);
}

task_record* task_list::find(task_id id) {
  const auto found =
      std::find_if(records_.begin(), records_.end(), [id](const task_record& task) { return task.id == id; });
  return !id || found == records_.end() ? nullptr : &*found;
}

std::vector<task_facts> task_list::facts(instant now) const {
  std::vector<task_facts> all;
  all.reserve(size());
  for (const task_record& task : records_) {
    if (task.id) all.push_back(facts_of(task, now));
  }
  std::ranges::sort(all, {}, &task_facts::id);
  return all;
}

std::vector<task_facts> task_list::facts_of_named_jobs(instant now) const {
  std::vector<task_facts> working;
  for (const task_record& task : records_) {
    if (task.id && !task.job.empty()) working.push_back(facts_of(task, now));
  }
  std::ranges::sort(working, [](const task_facts& one, const task_facts& other) {
    return std::tuple{other.job_age, one.id} < std::tuple{one.job_age, other.id};
  });
  return working;
}

task_facts task_list::facts_of(const task_record& task, instant now) const {
  std::string_view waits_for = task.waits_for;
  if (turn_.current.load(std::memory_order_relaxed) == &task) {
    waits_for = "running";
  } else if (waits_for.empty()) {
    waits_for = "the system";
  }
  const duration job_age = task.job.empty() ? duration::zero() : now - task.job_began;
  return {task.id, task.name, now - task.began, waits_for, task.turns, task.job, job_age, task.progress, task.creator};
}

std::string task_list::name_of(const task_notes& task) const {
  const std::lock_guard hold{names_};
  return static_cast<const task_record&>(task).name;
}

}  // namespace millrace::loop
