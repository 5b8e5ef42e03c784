#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include <millrace/base/counters.hpp>

#include "engine/command.hpp"

namespace millrace::engine {

/// Counters by reason. Most queues never count any, so the first count makes the storage: until then this is one
/// pointer. A copy has counters of its own.
class reason_counts {
 public:
  using counters = std::array<counter, reason_count>;

  reason_counts() = default;
  reason_counts(const reason_counts& other) : counters_{copy_of(other)} {}
  reason_counts(reason_counts&&) noexcept = default;
  reason_counts& operator=(const reason_counts& other) {
    if (this != &other) counters_ = copy_of(other);
    return *this;
  }
  reason_counts& operator=(reason_counts&&) noexcept = default;
  ~reason_counts() = default;

  [[nodiscard]] static constexpr std::size_t size() noexcept { return reason_count; }
  /// False: all are 0.
  [[nodiscard]] bool any() const noexcept { return counters_ != nullptr; }
  [[nodiscard]] counter& operator[](std::size_t index) {
    if (!counters_) counters_ = std::make_unique<counters>();
    return (*counters_)[index];
  }
  [[nodiscard]] const counter& operator[](std::size_t index) const noexcept { return all()[index]; }
  [[nodiscard]] auto begin() const noexcept { return all().begin(); }
  [[nodiscard]] auto end() const noexcept { return all().end(); }

  void add(reason cause) { (*this)[static_cast<std::size_t>(cause)].add(); }

 private:
  [[nodiscard]] static std::unique_ptr<counters> copy_of(const reason_counts& other) {
    return other.counters_ ? std::make_unique<counters>(*other.counters_) : nullptr;
  }
  [[nodiscard]] const counters& all() const noexcept {
    static const counters zeros{};
    return counters_ ? *counters_ : zeros;
  }

  std::unique_ptr<counters> counters_;
};

}  // namespace millrace::engine
