#include "tools/figures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <vector>

namespace millrace::tools {

namespace {

/// Three significant digits, without trailing zeros.
std::string three_digits(double value) {
  std::array<char, 32> text{};
  const int decimals = value >= 99.95 || value == 0 ? 0 : value >= 9.995 ? 1 : 2;
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  std::string out{text.data()};
  if (out.find('.') == std::string::npos) return out;
  out.erase(out.find_last_not_of('0') + 1);
  if (out.ends_with('.')) out.pop_back();
  return out;
}

/// `value` in the largest unit of which it is at least 1. Each unit is 1000 of the one before.
std::string with_unit(double value, std::span<const std::string_view> units) {
  std::size_t at = 0;
  while (at + 1 < units.size() && value >= 999.5) {
    value /= 1'000;
    ++at;
  }
  const std::string digits = three_digits(value);
  return units[at].empty() ? digits : digits + " " + std::string{units[at]};
}

}  // namespace

std::string in_short(double value) {
  static constexpr std::array<std::string_view, 4> units{"", "k", "M", "G"};
  return with_unit(value, units);
}

std::string in_short(duration length) {
  static constexpr std::array<std::string_view, 4> units{"ns", "µs", "ms", "s"};
  return with_unit(static_cast<double>(length.count()), units);
}

std::string seconds_in_short(double value) {
  return in_short(std::chrono::duration_cast<duration>(std::chrono::duration<double>{value}));
}

double median_of(std::span<const double> values) {
  if (values.empty()) return 0;
  std::vector<double> sorted{values.begin(), values.end()};
  std::ranges::sort(sorted);
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

}  // namespace millrace::tools
