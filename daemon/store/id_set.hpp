#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>

#include <millrace/base/ids.hpp>

namespace millrace::store {

/// A set of job ids as one bit each: ids that lie close together share a word, so a million neighbours take 300 KB.
/// One thread.
class id_set {
 public:
  void insert(job_id job) { words_[job.value() / 64] |= bit_of(job); }
  /// Whether it was there.
  bool erase(job_id job) {
    if (words_.empty()) return false;
    const auto word = words_.find(job.value() / 64);
    if (word == words_.end() || (word->second & bit_of(job)) == 0) return false;
    word->second &= ~bit_of(job);
    if (word->second == 0) words_.erase(word);
    return true;
  }
  [[nodiscard]] bool empty() const noexcept { return words_.empty(); }

 private:
  static std::uint64_t bit_of(job_id job) noexcept { return std::uint64_t{1} << (job.value() % 64); }

  boost::unordered_flat_map<std::uint64_t, std::uint64_t> words_;
};

}  // namespace millrace::store
