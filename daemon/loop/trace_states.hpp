#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <millrace/base/ids.hpp>

namespace millrace::loop {

/// The states of jobs that have begun in a trace and not ended: a hash table with linear probing. Most jobs are gone
/// soon, so the entry of one that is gone is used again at once. (A table that marks what was erased is filled by the
/// marks, and built anew again and again.)
class trace_states {
 public:
  /// Sets the state of a job and returns the one before; empty: it had none. Requires: `state` is not empty and
  /// outlives this object.
  std::string_view exchange(job_id job, std::string_view state) {
    assert(!state.empty());
    if (2 * (count_ + 1) > entries_.size()) grow();
    auto& found = entries_[index_of(job)];
    if (!found.job) ++count_;
    found.job = job;
    return std::exchange(found.state, state);
  }

  /// Forgets a job. Returns what its state was; empty: it had none.
  std::string_view take(job_id job) {
    if (entries_.empty()) return {};
    auto hole = index_of(job);
    if (!entries_[hole].job) return {};
    const auto state = entries_[hole].state;
    // Entries behind the hole that a search would no longer reach move into it.
    for (auto at = next(hole); entries_[at].job; at = next(at)) {
      const auto wanted = first_index_of(entries_[at].job);
      if (((at - wanted) & mask()) < ((at - hole) & mask())) continue;
      entries_[hole] = entries_[at];
      hole = at;
    }
    entries_[hole] = {};
    --count_;
    return state;
  }

  [[nodiscard]] std::size_t size() const noexcept { return count_; }

 private:
  struct entry {
    job_id job{};  ///< zero: the entry is free
    std::string_view state;
  };

  [[nodiscard]] std::size_t mask() const noexcept { return entries_.size() - 1; }
  [[nodiscard]] std::size_t next(std::size_t index) const noexcept { return (index + 1) & mask(); }
  /// Scattered, because ids rise by one: as neighbours they would be one long row to search.
  [[nodiscard]] std::size_t first_index_of(job_id job) const noexcept {
    constexpr std::uint64_t scatter = 0x9E3779B97F4A7C15;  // 2^64 divided by the golden ratio
    return static_cast<std::size_t>((job.value() * scatter) >> 32U) & mask();
  }
  /// Where the job is, or where it would be.
  [[nodiscard]] std::size_t index_of(job_id job) const noexcept {
    auto index = first_index_of(job);
    while (entries_[index].job && entries_[index].job != job) index = next(index);
    return index;
  }
  void grow() {
    constexpr std::size_t least = 1024;
    auto before = std::exchange(entries_, std::vector<entry>(entries_.empty() ? least : 2 * entries_.size()));
    for (const auto& one : before)
      if (one.job) entries_[index_of(one.job)] = one;
  }

  std::vector<entry> entries_;  ///< a power of two, at most half full
  std::size_t count_{0};
};

}  // namespace millrace::loop
