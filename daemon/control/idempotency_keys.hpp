#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "broker/receipt.hpp"

namespace millrace::control {

/// The newest keys of requests that made a group, and which group: a repeated request makes none. In memory: after a
/// restart all are forgotten. Owned by the API; loop thread only.
class idempotency_keys {
 public:
  static constexpr std::size_t kept_max = 1'000;

  struct made {
    std::uint64_t number{0};  ///< of the group
    std::uint64_t digest{0};  ///< of the body of the request
    broker::receipt durable_with;
  };

  [[nodiscard]] std::optional<made> find(std::string_view key) const {
    for (const auto& [known, group] : keys_) {
      if (!key.empty() && known == key) return group;
    }
    return std::nullopt;
  }
  /// Nothing if the key is empty.
  void add(std::string key, made group) {
    if (key.empty()) return;
    keys_.emplace_back(std::move(key), group);
    if (keys_.size() > kept_max) keys_.pop_front();
  }

 private:
  std::deque<std::pair<std::string, made>> keys_;
};

}  // namespace millrace::control
