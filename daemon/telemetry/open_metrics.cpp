#include "telemetry/open_metrics.hpp"

#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

namespace millrace::telemetry {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;

constexpr std::string_view total = "_total";
/// Whole numbers below it are exact, and are written with all digits.
constexpr double exact_max = 9007199254740992.0;  // 2^53

void append_escaped(std::string& text, std::string_view value) {
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') text += '\\';
    text += c;
  }
}

/// Appends the shortest text that reads back as the same number.
void append_number(std::string& text, double value) {
  std::array<char, 32> digits;
  auto* const begin = digits.data();
  auto* const end = begin + digits.size();
  if (std::isnan(value)) {
    text += "NaN";
  } else if (std::isinf(value)) {
    text += value > 0 ? "+Inf" : "-Inf";
  } else if (std::abs(value) < exact_max && std::trunc(value) == value) {
    text.append(begin, std::to_chars(begin, end, static_cast<long long>(value)).ptr);
  } else {
    text.append(begin, std::to_chars(begin, end, value, std::chars_format::general).ptr);
  }
}

/// Appends a number that has a decimal point or an exponent.
void append_bound(std::string& text, double value) {
  const auto begin = text.size();
  append_number(text, value);
  if (std::isfinite(value) && text.find_first_of(".e", begin) == std::string::npos) text += ".0";
}

std::string_view type_of(MetricType type) {
  if (type == MetricType::Counter) return "counter";
  return type == MetricType::Histogram ? "histogram" : "gauge";
}

/// Writes the samples of one family.
class sample_writer {
 public:
  sample_writer(std::string& text, std::string_view family) : text_{text}, family_{family} {}

  void append(std::string_view suffix, const ClientMetric& metric, double value, const double* bound = nullptr) {
    text_ += family_;
    text_ += suffix;
    bool open = false;
    for (const auto& label : metric.label) {
      text_ += open ? ',' : '{';
      open = true;
      text_ += label.name;
      text_ += "=\"";
      append_escaped(text_, label.value);
      text_ += '"';
    }
    if (bound != nullptr) {
      text_ += open ? ",le=\"" : "{le=\"";
      open = true;
      append_bound(text_, *bound);
      text_ += '"';
    }
    text_ += open ? "} " : " ";
    append_number(text_, value);
    text_ += '\n';
  }

  void append_histogram(const ClientMetric& metric) {
    const auto& histogram = metric.histogram;
    for (const auto& bucket : histogram.bucket)
      append("_bucket", metric, static_cast<double>(bucket.cumulative_count), &bucket.upper_bound);
    constexpr auto infinite = std::numeric_limits<double>::infinity();
    if (histogram.bucket.empty() || !std::isinf(histogram.bucket.back().upper_bound))
      append("_bucket", metric, static_cast<double>(histogram.sample_count), &infinite);
    append("_count", metric, static_cast<double>(histogram.sample_count));
    append("_sum", metric, histogram.sample_sum);
  }

 private:
  std::string& text_;
  std::string_view family_;
};

}  // namespace

void append_open_metrics(std::string& text, const prometheus::MetricFamily& family) {
  std::string_view name = family.name;
  if (family.type == MetricType::Counter) {
    assert(name.ends_with(total));
    name.remove_suffix(total.size());
  }
  text.append("# HELP ").append(name).append(" ");
  append_escaped(text, family.help);
  text.append("\n# TYPE ").append(name).append(" ").append(type_of(family.type)).append("\n");
  sample_writer samples{text, name};
  for (const auto& metric : family.metric) {
    if (family.type == MetricType::Counter)
      samples.append(total, metric, metric.counter.value);
    else if (family.type == MetricType::Histogram)
      samples.append_histogram(metric);
    else
      samples.append("", metric, metric.gauge.value);
  }
}

}  // namespace millrace::telemetry
