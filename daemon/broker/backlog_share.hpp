#pragma once

#include <cstdint>
#include <vector>

#include "broker/broker.hpp"

namespace millrace::broker {

/// The changes of one client that are not written yet, and whether it may submit more: only while the store accepts at
/// least as many bytes as the client has waiting. So a single client gets half of `store_pending_bytes_max`, two get a
/// third each, and some is always left for a client that comes later.
///
/// Belongs to a connection or a producer, on the loop's thread.
class backlog_share {
 public:
  /// After a command of this client that carried so many bytes of body.
  void note(const broker& broker, const receipt& receipt, std::uint64_t body_bytes) {
    const auto batch = receipt.written_with;
    if (broker.is_durable({.batch = batch})) return;
    const auto bytes = body_bytes + bytes_of_change;
    if (waiting_.empty() || waiting_.back().batch != batch) waiting_.push_back({batch, 0});
    waiting_.back().bytes += bytes;
    bytes_ += bytes;
  }
  /// The client pauses until more has become durable, and asks again then.
  [[nodiscard]] bool exceeded(const broker& broker) {
    if (waiting_.empty()) return false;
    auto first = waiting_.begin();
    for (; first != waiting_.end() && broker.is_durable({.batch = first->batch}); ++first) bytes_ -= first->bytes;
    waiting_.erase(waiting_.begin(), first);
    return bytes_ > broker.backlog_left();
  }

 private:
  /// What a change without a body takes in an open batch, about.
  static constexpr std::uint64_t bytes_of_change = 256;

  struct part {
    store::batch_id batch;
    std::uint64_t bytes;
  };
  std::vector<part> waiting_;  ///< rising batches, as many as are written and gathered at a time
  std::uint64_t bytes_{0};     ///< of all of them
};

}  // namespace millrace::broker
