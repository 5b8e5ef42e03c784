#pragma once

#include <span>
#include <string>

#include "tools/latencies.hpp"

namespace millrace::tools {

/// One line of a chart and its entry in the legend.
struct chart_curve {
  std::string name;
  const latencies* measured;  ///< not empty
};

/// An SVG chart of a latency distribution. The x axis is the percentile, with the same width for each further nine; the
/// y axis is the latency on a log scale. Requires: one curve or two.
[[nodiscard]] std::string chart_of(const std::string& title, const std::string& subtitle,
                                   std::span<const chart_curve> curves);

}  // namespace millrace::tools
