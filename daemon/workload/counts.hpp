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
  counter jobs;                  ///< bodies that became jobs
  counter errors;                ///< of the source, puts that the queue refused, and failures of the producer itself
  duration lag{0};               ///< how late the last body was put, by the schedule of the producer or of its source
  instant held_body_due{never};  ///< when the body was due that is held now; `never`: none is, or there is no schedule
  bool ended{false};
  bool failed{false};         ///< ended with an exception, or could not resume its source
  instant removed_at{never};  ///< when a reload removed it; `never`: it is in the settings

  /// How late the producer is at `now`.
  [[nodiscard]] duration lag_at(instant now) const noexcept {
    return held_body_due == never ? lag : age(held_body_due, now);
  }
};

/// What a consumer counts. Written on the loop.
struct consumer_counts {
  std::string name;
  std::uint32_t concurrency{0};
  std::uint32_t active{0};
  std::array<counter, engine::outcome_count> outcomes;  ///< of jobs that ended, or were buried or dead-lettered
  counter retried{};                                    ///< failed attempts that were not the last one of their job
  counter released{};                                   ///< jobs given back because their attempt was cancelled
  counter postponed{};                                  ///< attempts whose handler wanted the job again later
  counter interrupted{};                                ///< attempts without an answer, after which the job is ready
  counter slot_restarts;                                ///< slots that failed and were started again
  counter moved{};                                      ///< times that `run_on: auto` moved it to threads for good
  std::uint32_t stuck{0};                               ///< slots that were replaced and whose handler still runs
  instant removed_at{never};                            ///< when a reload removed it; `never`: it is in the settings
};

}  // namespace millrace::workload
