#include "offload/options.hpp"

namespace millrace::offload {

const options_of<pool_options>& pool_option_table() {
  static const options_of<pool_options> table = [] {
    options_of<pool_options> made;
    made.count("threads", &pool_options::threads, {0, threads_max},
               "worker threads for computations; 0 is one for each processor");
    made.count("backlog_max", &pool_options::backlog_max, {1, backlog_most},
               "computations that wait for a worker at most; further callers wait");
    made.count("processes", &pool_options::processes, {0, processes_max},
               "worker processes for run_on: processes, started with the first job; 0 is one for each processor");
    made.size("process_memory_max", &pool_options::process_memory_max, {process_memory_least, process_memory_most},
              "memory of a worker process; one that needs more is killed, and its job fails; left out: no limit")
        .example("1GiB");
    made.duration("process_cpu_max", &pool_options::process_cpu_max,
                  {.least = milliseconds{1}, .most = process_cpu_most},
                  "processor time of a worker process while it has a job; beyond it the process is ended, and the job "
                  "fails; left out: no limit")
        .example("1m");
    return made;
  }();
  return table;
}

}  // namespace millrace::offload
