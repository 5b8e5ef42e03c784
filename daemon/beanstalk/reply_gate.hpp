#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "broker/receipt.hpp"

namespace millrace::beanstalk {

/// Says up to which position of the reply stream the replies may leave: each reply leaves only when its receipt is
/// durable, and none overtakes another.
///
/// Belongs to one conversation. Its size is bounded by the number of batches that are not durable.
class reply_gate {
 public:
  static constexpr std::uint64_t everything = ~std::uint64_t{0};

  /// The replies from `position` on wait for `receipt`. Requires: it is not durable; positions do not fall.
  void hold(std::uint64_t position, const broker::receipt& receipt) {
    // A later batch is durable only after the earlier ones, so an entry that waits as long covers this one.
    if (!held_.empty() && held_.back().receipt.batch >= receipt.batch) return;
    held_.push_back({position, receipt});
  }

  /// Forgets what is durable, and returns the position up to which replies may leave.
  template <class IsDurable>
  std::uint64_t open_up_to(const IsDurable& is_durable) {
    const auto first = std::ranges::find_if(held_, [&](const auto& held) { return !is_durable(held.receipt); });
    held_.erase(held_.begin(), first);
    return held_.empty() ? everything : held_.front().position;
  }

  /// Whether some reply was not yet known to be durable.
  [[nodiscard]] bool holds() const noexcept { return !held_.empty(); }

 private:
  struct entry {
    std::uint64_t position;
    broker::receipt receipt;
  };
  std::vector<entry> held_;  ///< rising positions and batches
};

}  // namespace millrace::beanstalk
