#pragma once

#include "engine/job_table.hpp"

namespace millrace::engine {

/// Jobs by an order of their own, inside their records: a leftist heap (Crane, 1972), whose `push`, and `remove` of any job,
/// visit a logarithm of jobs at worst and allocate nothing. The first is always at hand.
class job_heap {
 public:
  using before = bool (*)(const job&, const job&) noexcept;

  explicit job_heap(before order) noexcept : before_{order} {}

  [[nodiscard]] slot first() const noexcept { return root_; }
  void push(job_table& jobs, slot at) noexcept;
  void remove(job_table& jobs, slot at) noexcept;

 private:
  [[nodiscard]] slot merge(job_table& jobs, slot one, slot other) const noexcept;

  before before_;
  slot root_{no_slot};
};

}  // namespace millrace::engine
