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
    /// Bounds below the first or beyond the last of the fine ones cannot be told from the counts and are left out.
    /// Folding is exact for bounds that are among the fine ones; another bound counts what lies below the fine bound
    /// before it (at most 10 % less).
    explicit shown_buckets(std::span<duration const> upper = histogram_bounds::exported(),
                           histogram_bounds const& fine = histogram_bounds::fine());

    [[nodiscard]] std::span<duration const> upper() const noexcept { return upper_; }
    [[nodiscard]] histogram_bounds const& fine() const noexcept { return *fine_; }
    /// The shown bucket of a fine one; `upper().size()` beyond the last.
    [[nodiscard]] std::size_t place_of(std::size_t fine_bucket) const noexcept { return place_of_[fine_bucket]; }

private:
    histogram_bounds const* fine_;
    std::vector<duration> upper_;
    std::vector<std::uint16_t> place_of_;
};

/// A histogram as it is shown: a copy, folded.
struct folded_histogram {
    std::vector<std::uint64_t> counts; ///< not cumulative; the last lies beyond the last bound
    std::uint64_t count{0};
    duration sum{0};

    void add(histogram const& seen, shown_buckets const& buckets);
    void add(folded_histogram const& other);
};

enum class family_kind { counter, gauge, histogram };

/// Families of samples → Prometheus' text format 0.0.4, one family after another. One thread at a time, any thread.
class exposition {
public:
    using labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

    explicit exposition(shown_buckets const& buckets);
    ~exposition();
    exposition(exposition const&) = delete;
    exposition& operator=(exposition const&) = delete;

    /// Begins a family; samples go into the last one begun. Asserts that the name is new.
    void family(family_kind kind, std::string_view name, std::string_view help);
    void sample(labels of, double value);
    void sample(labels of, std::uint64_t value) { sample(of, static_cast<double>(value)); }
    void sample(labels of, counter const& value) { sample(of, value.value()); }
    void sample(labels of, duration value) { sample(of, in_seconds(value)); }
    void sample(labels of, folded_histogram const& value);

    /// The names of all families begun, in order.
    [[nodiscard]] std::vector<std::string> const& names() const noexcept;
    /// The text of all of them. Families without samples are left out.
    [[nodiscard]] std::string text() &&;

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

} // namespace millrace::telemetry
