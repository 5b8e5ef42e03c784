#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "engine/job_heap.hpp"

namespace millrace::engine {

/// The ready jobs of one queue by (priority, id). Ids rise, so most jobs only ever join the end of the lane of their
/// priority, in constant time and without a look at any other job but the last. A job that returns with a lower id than
/// the end of its lane, or whose priority finds no free lane, goes to a heap: logarithmic. The first of all is the
/// better of the first lane's head and the heap's.
class ready_order {
 public:
  /// At most so many priorities have a lane at one time; other priorities share the heap.
  static constexpr std::size_t lanes_max = 8;

  void insert(job_table& jobs, slot at) noexcept;
  void remove(job_table& jobs, slot at) noexcept;
  [[nodiscard]] slot first(const job_table& jobs) const noexcept;
  /// Replaces the content of `into` by the first `most` jobs in order. Costs the logarithm of `most` for each job.
  void first_few(const job_table& jobs, std::size_t most, std::vector<slot>& into) const;

 private:
  struct lane {
    millrace::engine::priority priority{0};
    slot first{no_slot}, last{no_slot};
  };

  [[nodiscard]] std::size_t lane_of(priority wanted) const noexcept;

  std::uint32_t count_{0};
  job_heap<served_before> returned_;
  std::array<lane, lanes_max> lanes_{};  ///< the first `count_`, none empty, most urgent first
};

}  // namespace millrace::engine
