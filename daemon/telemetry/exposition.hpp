#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <millrace/base/counters.hpp>
#include <millrace/base/time.hpp>

namespace millrace::telemetry {

/// The buckets that are shown, and how the finer ones of a histogram fold into them.
class shown_buckets {
 public:
  /// Requires: `upper` rises, and each bound is one of the fine ones. So folding is exact.
  explicit shown_buckets(std::span<const duration> upper = histogram_bounds::exported(),
                         const histogram_bounds& fine = histogram_bounds::fine());

  [[nodiscard]] std::span<const duration> upper() const noexcept { return upper_; }
  [[nodiscard]] const histogram_bounds& fine() const noexcept { return *fine_; }
  /// The shown bucket of a fine one; `upper().size()` beyond the last.
  [[nodiscard]] std::size_t place_of(std::size_t fine_bucket) const noexcept { return place_of_[fine_bucket]; }

 private:
  const histogram_bounds* fine_;
  std::vector<duration> upper_;
  std::vector<std::uint16_t> place_of_;
};

/// A histogram as it is shown: a copy, folded.
struct folded_histogram {
  std::vector<std::uint64_t> counts;  ///< not cumulative; the last lies beyond the last bound
  std::uint64_t count{0};
  duration sum{0};

  void add(const histogram& seen, const shown_buckets& buckets);
  void add(const folded_histogram& other);
};

enum class family_kind { counter, gauge, histogram };

/// Families of samples → Prometheus' text format 0.0.4, one family after another. One thread at a time, any thread.
class exposition {
 public:
  using labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  explicit exposition(const shown_buckets& buckets);
  ~exposition();
  exposition(const exposition&) = delete;
  exposition& operator=(const exposition&) = delete;

  /// Begins a family; samples go into the last one begun. Asserts that the name is new.
  void family(family_kind kind, std::string_view name, std::string_view help);
  void sample(labels of, double value);
  void sample(labels of, std::uint64_t value) { sample(of, static_cast<double>(value)); }
  void sample(labels of, const counter& value) { sample(of, value.value()); }
  void sample(labels of, duration value) { sample(of, in_seconds(value)); }
  void sample(labels of, const folded_histogram& value);
  /// A histogram of plain numbers: `counts` not cumulative, one more than `upper`.
  void sample(labels of, std::span<const std::uint64_t> upper, std::span<const std::uint64_t> counts,
              std::uint64_t sum);

  /// The names of all families begun, in order.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept;
  /// The text of all of them. Families without samples are left out.
  [[nodiscard]] std::string text() &&;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::telemetry
