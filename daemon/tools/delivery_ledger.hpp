#pragma once

#include <cstdint>
#include <vector>

#include <millrace/base/result.hpp>

namespace millrace::tools {

/// Checks that each job of a run is delivered exactly once. Jobs have numbers from 0 on, in the order of `put`. Owned
/// by the run; one thread.
class delivery_ledger {
 public:
  static constexpr std::uint64_t jobs_max = 1'000'000'000;

  /// Records `count` jobs that are about to be put. Returns the number of the first.
  std::uint64_t put(std::uint64_t count);
  /// Records a delivered job. An error: it was delivered before, or never put.
  result<> note_delivered(std::uint64_t number);

  [[nodiscard]] std::uint64_t jobs_put() const noexcept { return put_; }
  [[nodiscard]] std::uint64_t jobs_out() const noexcept { return out_; }
  [[nodiscard]] std::uint64_t inside() const noexcept { return put_ - out_; }
  /// An error when a job was not delivered. For the end of the run.
  [[nodiscard]] result<> verify() const;

 private:
  std::vector<std::uint64_t> delivered_;  ///< a bit for each job
  std::uint64_t put_{0};
  std::uint64_t out_{0};
};

}  // namespace millrace::tools
