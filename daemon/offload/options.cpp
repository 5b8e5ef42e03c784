#include "offload/options.hpp"

namespace millrace::offload {

const options_of<pool_options>& pool_option_table() {
  static const auto table =
      options_of<pool_options>{}
          .count("threads", &pool_options::threads, {.most = 1'024}, "Threads that compute; 0: one for each processor.")
          .count("backlog_max", &pool_options::backlog_max, {.least = 1, .most = 10'000'000},
                 "Computations that wait for a thread before those who bring them wait too.")
          .planned("processes", "worker processes are planned, not here yet");
  return table;
}

}  // namespace millrace::offload
