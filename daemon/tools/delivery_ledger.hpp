#pragma once

#include <cstdint>
#include <vector>

#include <millrace/base/result.hpp>

namespace millrace::tools {

/// The book of one run: which jobs were put, and that each came out once. Jobs have numbers from 0 on, in the order in which they are written down.
class exactly_once {
 public:
  static constexpr std::uint64_t jobs_max = 1'000'000'000;

  /// `count` jobs are about to be put; gives the number of the first.
  std::uint64_t put(std::uint64_t count);
  /// A job came out: an error when it was out already, or never put.
  result<> came_out(std::uint64_t number);

  [[nodiscard]] std::uint64_t jobs_put() const noexcept { return put_; }
  [[nodiscard]] std::uint64_t jobs_out() const noexcept { return out_; }
  [[nodiscard]] std::uint64_t inside() const noexcept { return put_ - out_; }
  /// The end of the run, after which nothing can come out any more: an error when a job did not.
  [[nodiscard]] result<> settle() const;

 private:
  std::vector<std::uint64_t> came_out_;  ///< a bit for each job
  std::uint64_t put_{0};
  std::uint64_t out_{0};
};

}  // namespace millrace::tools
