#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <millrace/base/counters.hpp>
#include <millrace/base/time.hpp>

#include "engine/command.hpp"

namespace millrace::workload {

/// What a producer counts. Written on the loop.
struct producer_counts {
  std::string name;
  counter jobs;     ///< bodies that became jobs
  counter errors;   ///< of the source, puts that the queue refused, and failures of the producer itself
  duration lag{0};  ///< how far it was behind its rate at the last put
  bool ended{false};
  bool failed{false};  ///< ended with an exception, or could not resume its source
};

/// What a consumer counts. Written on the loop.
struct consumer_counts {
  std::string name;
  std::uint32_t concurrency{0};
  std::uint32_t active{0};
  std::array<counter, engine::outcome_count> outcomes;
  counter slot_restarts;  ///< slots that failed and were started again
};

}  // namespace millrace::workload
