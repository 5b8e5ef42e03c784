#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include <millrace/base/ids.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/task.hpp>

#include "loop/trace_lane.hpp"

namespace millrace::loop {

/// The record of one task.
struct task_record : task_notes {
  using task_notes::task_notes;

  task_id id{};  ///< zero: this record is free
  std::string name;
  std::string creator;   ///< a copy of the name of the task that spawned it, which may end first
  std::string progress;  ///< in the words of the worker process that the task waits for
  instant began{};
  std::string job;  ///< set by `job_mark`
  instant job_began{};
  bool started{false};
  bool cancelled{false};
  instant wait_began{};  ///< of `waits_for`; only set while a trace runs
  trace_lane lane;
  boost::asio::cancellation_signal stop;
};

/// The tasks of one loop. Records have stable addresses and are reused, never freed. Loop thread, except `name_of`.
class task_list {
 public:
  explicit task_list(turn_notes& turn) : turn_{turn}, loop_itself_{turn} { loop_itself_.name = "loop"; }

  /// The current task becomes the creator.
  task_record& add(std::string name, instant now);
  void remove(task_record& task);

  [[nodiscard]] std::size_t size() const noexcept { return records_.size() - free_.size(); }
  [[nodiscard]] task_record* find(task_id id);
  [[nodiscard]] std::vector<task_facts> facts(instant now) const;
  /// Only of tasks that work on a job with a name, the oldest job first.
  [[nodiscard]] std::vector<task_facts> facts_of_named_jobs(instant now) const;

  /// All, also those that are free.
  [[nodiscard]] std::deque<task_record>& records() noexcept { return records_; }

  /// The record of work outside any task.
  [[nodiscard]] task_record& loop_itself() noexcept { return loop_itself_; }

  /// Any thread: the name of a task that may end meanwhile. The caller checks afterwards that it has not.
  [[nodiscard]] std::string name_of(const task_notes& task) const;

 private:
  [[nodiscard]] task_facts facts_of(const task_record& task, instant now) const;

  turn_notes& turn_;
  task_record loop_itself_;
  std::deque<task_record> records_;
  std::vector<task_record*> free_;
  std::uint64_t ids_{0};
  mutable std::mutex names_;  ///< the stall watch reads names on its thread
};

}  // namespace millrace::loop
