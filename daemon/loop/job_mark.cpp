#include "loop/job_mark.hpp"

#include <utility>

#include <millrace/loop/event_loop.hpp>

#include "loop/loop_core.hpp"
#include "loop/trace_recorder.hpp"

namespace millrace::loop {

job_mark::job_mark(event_loop& loop, std::string name) : task_{loop.core().current()} {
  task_.job = std::move(name);
  task_.job_began = loop.now();
  if (task_.job.empty()) return;  // the trace has the text of the job
  if (auto* const trace = loop.core().trace) trace->name_work(task_.job);
}

job_mark::~job_mark() { task_.job.clear(); }

}  // namespace millrace::loop
