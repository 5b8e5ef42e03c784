#pragma once

#include <string>

namespace millrace::loop {

class event_loop;
struct task_record;

/// While it lives, the list of tasks and a trace show that the current task works on a job of that name; an empty name
/// changes nothing. Loop thread, inside a task, which it does not outlive.
class job_mark {
 public:
  job_mark(event_loop& loop, std::string name);
  ~job_mark();
  job_mark(const job_mark&) = delete;
  job_mark& operator=(const job_mark&) = delete;

 private:
  task_record& task_;
};

}  // namespace millrace::loop
