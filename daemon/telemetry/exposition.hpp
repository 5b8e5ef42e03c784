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

/// The buckets of exported histograms, and the mapping of the finer buckets of a counted histogram to them.
class shown_buckets {
 public:
  /// Requires: `upper` rises, and each bound is one of the fine bounds, so that folding is exact.
  explicit shown_buckets(std::span<const duration> upper = histogram_bounds::exported(),
                         const histogram_bounds& fine = histogram_bounds::fine());

  [[nodiscard]] std::span<const duration> upper() const noexcept { return upper_; }
  [[nodiscard]] const histogram_bounds& fine() const noexcept { return *fine_; }
  /// The index of the exported bucket that contains a fine bucket; `upper().size()` beyond the last bound.
  [[nodiscard]] std::size_t index_of(std::size_t fine_bucket) const noexcept { return index_of_[fine_bucket]; }

 private:
  const histogram_bounds* fine_;
  std::vector<duration> upper_;
  std::vector<std::uint16_t> index_of_;  ///< by fine bucket
};

/// A copy of a histogram in the exported buckets.
struct folded_histogram {
  std::vector<std::uint64_t> counts;  ///< not cumulative; the last one is beyond the last bound
  std::uint64_t count{0};
  duration sum{0};

  void add(const histogram& counted, const shown_buckets& buckets);
  void add(const folded_histogram& other);
};

enum class family_kind { counter, gauge, histogram };

/// The text format 0.0.4 of Prometheus, or OpenMetrics 1.0.
enum class page_format { prometheus, open_metrics };

/// Writes families of samples in one format. One thread at a time, any thread.
class exposition {
 public:
  using labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  explicit exposition(const shown_buckets& buckets, page_format format = page_format::prometheus);
  ~exposition();
  exposition(const exposition&) = delete;
  exposition& operator=(const exposition&) = delete;

  /// Begins a family, to which the following samples belong. Requires: the name is new.
  void family(family_kind kind, std::string_view name, std::string_view help);
  void sample(labels tags, double value);
  void sample(labels tags, std::uint64_t value) { sample(tags, static_cast<double>(value)); }
  void sample(labels tags, const counter& value) { sample(tags, value.value()); }
  void sample(labels tags, duration value) { sample(tags, in_seconds(value)); }
  void sample(labels tags, const folded_histogram& value);
  /// With bounds of its own. Requires: `value` was folded into them.
  void sample(labels tags, const folded_histogram& value, std::span<const duration> upper);
  /// A histogram of plain numbers. Requires: `counts` are not cumulative, and one more than `upper`.
  void sample(labels tags, std::span<const std::uint64_t> upper, std::span<const std::uint64_t> counts,
              std::uint64_t sum);

  /// The names of all families, in order.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept;
  /// The text of all families that have samples.
  [[nodiscard]] std::string text() &&;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::telemetry
