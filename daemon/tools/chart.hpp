#pragma once

#include <span>
#include <string>

#include "tools/latencies.hpp"

namespace millrace::tools {

/// One line of a chart and its entry in the legend.
struct chart_curve {
  std::string name;
  const latencies* of;  ///< not empty
};

/// An SVG picture of how latency is distributed: across, the share of all that was at most as slow, so that each further nine has as much room
/// as the one before; up, the latency on a log scale. One curve or two (asserted).
[[nodiscard]] std::string chart_of(const std::string& title, const std::string& subtitle,
                                   std::span<const chart_curve> curves);

}  // namespace millrace::tools
