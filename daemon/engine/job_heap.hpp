#pragma once

#include <utility>

#include "engine/job_table.hpp"

namespace millrace::engine {

/// Jobs by an order of their own, inside their records: a leftist heap (Crane, 1972), whose `push`, and `remove` of any
/// job, visit a logarithm of jobs at worst and allocate nothing. The first is always at hand.
template <class Before>
class job_heap {
 public:
  [[nodiscard]] slot first() const noexcept { return root_; }
  void push(job_table& jobs, slot at) noexcept;
  void remove(job_table& jobs, slot at) noexcept;
  /// Those that stand right below it in the heap and come after it; `no_slot` where there is none.
  [[nodiscard]] static std::pair<slot, slot> below(const job_table& jobs, slot at) noexcept;

 private:
  [[nodiscard]] slot merge(job_table& jobs, slot one, slot other) const noexcept;

  slot root_{no_slot};
};

extern template class job_heap<served_before>;

}  // namespace millrace::engine
