#include "telemetry/exposition.hpp"

#include <algorithm>
#include <cassert>
#include <functional>
#include <sstream>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "telemetry/open_metrics.hpp"

namespace millrace::telemetry {

shown_buckets::shown_buckets(std::span<const duration> upper, const histogram_bounds& fine)
    : fine_{&fine}, upper_(upper.begin(), upper.end()) {
  const auto known = fine.upper();
  assert(std::ranges::is_sorted(upper, std::ranges::less_equal{}));
  assert(std::ranges::all_of(upper, [&](duration bound) { return fine.contains(bound); }));
  index_of_.reserve(known.size() + 1);
  for (const auto bound : known) {
    const auto shown = std::lower_bound(upper_.begin(), upper_.end(), bound);
    index_of_.push_back(static_cast<std::uint16_t>(shown - upper_.begin()));
  }
  index_of_.push_back(static_cast<std::uint16_t>(upper_.size()));
}

void folded_histogram::add(const histogram& counted, const shown_buckets& buckets) {
  assert(&counted.bounds() == &buckets.fine());
  counts.resize(buckets.upper().size() + 1);
  const auto fine = counted.counts();
  for (std::size_t i = 0; i < fine.size(); ++i) counts[buckets.index_of(i)] += fine[i];
  count += counted.count();
  sum = saturating_add(sum, counted.sum());
}

void folded_histogram::add(const folded_histogram& other) {
  if (counts.size() < other.counts.size()) counts.resize(other.counts.size());
  for (std::size_t i = 0; i < other.counts.size(); ++i) counts[i] += other.counts[i];
  count += other.count;
  sum = saturating_add(sum, other.sum);
}

struct exposition::parts {
  std::vector<duration> bounds;
  page_format format{page_format::prometheus};
  std::vector<std::string> names;
  prometheus::MetricFamily open;
  std::string text;

  void finish_family() {
    if (!open.metric.empty()) append(open);
    open = {};
  }
  void append(const prometheus::MetricFamily& family) {
    if (format == page_format::open_metrics) return append_open_metrics(text, family);
    std::ostringstream written;
    prometheus::TextSerializer{}.Serialize(written, {family});
    text += written.view();
  }
  prometheus::ClientMetric& add(labels tags) {
    auto& metric = open.metric.emplace_back();
    metric.label.reserve(tags.size());
    for (const auto& [name, value] : tags) metric.label.push_back({std::string{name}, std::string{value}});
    return metric;
  }
};

exposition::exposition(const shown_buckets& buckets, page_format format) : parts_{std::make_unique<parts>()} {
  parts_->format = format;
  parts_->bounds.assign(buckets.upper().begin(), buckets.upper().end());
}

exposition::~exposition() = default;

void exposition::family(family_kind kind, std::string_view name, std::string_view help) {
  assert(std::find(parts_->names.begin(), parts_->names.end(), name) == parts_->names.end());
  parts_->finish_family();
  parts_->names.emplace_back(name);
  parts_->open.name = name;
  parts_->open.help = help;
  switch (kind) {
    case family_kind::counter:
      parts_->open.type = prometheus::MetricType::Counter;
      break;
    case family_kind::gauge:
      parts_->open.type = prometheus::MetricType::Gauge;
      break;
    case family_kind::histogram:
      parts_->open.type = prometheus::MetricType::Histogram;
      break;
  }
}

void exposition::sample(labels tags, double value) {
  auto& metric = parts_->add(tags);
  if (parts_->open.type == prometheus::MetricType::Counter)
    metric.counter.value = value;
  else
    metric.gauge.value = value;
}

void exposition::sample(labels tags, const folded_histogram& value) { sample(tags, value, parts_->bounds); }

void exposition::sample(labels tags, const folded_histogram& value, std::span<const duration> upper) {
  assert(parts_->open.type == prometheus::MetricType::Histogram);
  assert(value.counts.empty() || value.counts.size() == upper.size() + 1);
  auto& shown = parts_->add(tags).histogram;
  shown.sample_count = value.count;
  shown.sample_sum = in_seconds(value.sum);
  shown.bucket.reserve(upper.size());
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < upper.size(); ++i) {
    if (i < value.counts.size()) below += value.counts[i];
    shown.bucket.push_back({below, in_seconds(upper[i])});
  }
}

void exposition::sample(labels tags, std::span<const std::uint64_t> upper, std::span<const std::uint64_t> counts,
                        std::uint64_t sum) {
  assert(parts_->open.type == prometheus::MetricType::Histogram && counts.size() == upper.size() + 1);
  auto& shown = parts_->add(tags).histogram;
  shown.sample_sum = static_cast<double>(sum);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    shown.sample_count += counts[i];
    if (i < upper.size()) shown.bucket.push_back({shown.sample_count, static_cast<double>(upper[i])});
  }
}

const std::vector<std::string>& exposition::names() const noexcept { return parts_->names; }

std::string exposition::text() && {
  parts_->finish_family();
  if (parts_->format == page_format::open_metrics) parts_->text += open_metrics_end;
  return std::move(parts_->text);
}

}  // namespace millrace::telemetry
