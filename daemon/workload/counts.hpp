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
  counter errors;   ///< of the source, and puts that the queue refused
  duration lag{0};  ///< how far it was behind its rate at the last put
  bool ended{false};
};

/// What a consumer counts. Written on the loop.
struct consumer_counts {
  std::string name;
  std::uint32_t concurrency{0};
  std::uint32_t active{0};
  std::array<counter, engine::outcome_count> outcomes;
};

}  // namespace millrace::workload
