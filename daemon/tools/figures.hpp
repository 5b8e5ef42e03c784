#pragma once

#include <span>
#include <string>

#include <millrace/base/time.hpp>

namespace millrace::tools {

/// A number with three digits and a prefix: `1.94 M`, `812`, `0.5`.
[[nodiscard]] std::string in_short(double value);
/// The same with a unit of time: `86.2 µs`, `1.2 ms`, `3 s`.
[[nodiscard]] std::string in_short(duration length);
/// A time in seconds as `in_short` writes it.
[[nodiscard]] std::string seconds_in_short(double value);
/// The median; the mean of the middle two of an even number; 0 of none.
[[nodiscard]] double median_of(std::span<const double> values);

}  // namespace millrace::tools
