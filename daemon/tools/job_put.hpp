#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace millrace::tools {

/// A put of a load as it goes over the wire. Its mark is overwritten in place each time it is sent, so that nothing is
/// formatted or allocated for a job.
struct job_put {
  static constexpr std::uint32_t priority = 1'024;
  static constexpr std::uint32_t priority_to_stay = 1'000'000;
  /// Long enough that no job of a load becomes ready again because the load was slow.
  static constexpr std::uint32_t ttr_seconds = 3'600;

  /// `body_bytes` has room for a mark (asserted).
  job_put(std::uint32_t run, std::uint32_t body_bytes, std::uint32_t at_priority);

  std::string bytes;
  std::size_t number_at;  ///< where the eight digits of the job's number begin
};

}  // namespace millrace::tools
