#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace millrace::tools {

/// The bytes of a put command of a load. The mark is overwritten in place for each job, so that a job needs no
/// formatting and no allocation.
struct job_put {
  static constexpr std::uint32_t priority = 1'024;
  static constexpr std::uint32_t priority_to_stay = 1'000'000;
  /// Long enough that no job expires because the load is slow.
  static constexpr std::uint32_t ttr_seconds = 3'600;

  /// Requires: `body_bytes` is at least the size of a mark.
  job_put(std::uint32_t run, std::uint32_t body_bytes, std::uint32_t at_priority);

  std::string bytes;
  std::size_t number_at;  ///< where the eight digits of the job's number begin
};

}  // namespace millrace::tools
