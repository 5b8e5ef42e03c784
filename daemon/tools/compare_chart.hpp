#pragma once

#include <span>
#include <string>

#include "tools/compare_report.hpp"

namespace millrace::tools {

/// An SVG drawing with one time axis: for each program its wall time, its processor time, and the lanes of its trace
/// with the order of its lines; without a trace a mark for each line of the last run. Requires of all: each has at
/// least one run.
[[nodiscard]] std::string comparison_chart(std::span<const contestant> all);

}  // namespace millrace::tools
