#pragma once

#include <string>

#include <prometheus/metric_family.h>

namespace millrace::telemetry {

/// Appends a family in the format OpenMetrics 1.0. The library writes only the older text format. Source:
/// https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md, "Text Format".
///
/// The name of a counter's family is the name of its samples without `_total`. Bounds of buckets are written as Go
/// writes floating point numbers (`1.0`), which the format recommends.
///
/// Requires: the family is a counter whose name ends in `_total`, a gauge, or a histogram with rising bounds.
void append_open_metrics(std::string& text, const prometheus::MetricFamily& family);

/// The line after the last family.
inline constexpr const char* open_metrics_end = "# EOF\n";

}  // namespace millrace::telemetry
