#include "workload/pace.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace millrace::workload {

namespace {

constexpr double longest_gap_ns = 1e17;  // three years: a longer gap means never, so that no sum of instants overflows

}  // namespace

pace::pace(const producer_options& options, std::optional<std::uint64_t> limit, instant start)
    : end_{options.run_for ? after(start, *options.run_for) : never}, origin_{start}, due_{start} {
  set_left(limit);
  if (options.run_for && *options.run_for <= duration::zero()) end_ = start;
  read_schedule(options);
  if (interval_ns_ != 0 && poisson_) due_ = after(start, next_gap());
}

void pace::read_schedule(const producer_options& options) {
  poisson_ = options.pattern == arrivals::poisson;
  random_.seed(options.seed);
  interval_ns_ = options.rate ? std::min(1e9 / *options.rate, longest_gap_ns) : 0;
}

void pace::set_schedule(const producer_options& options, instant now) {
  read_schedule(options);
  if (interval_ns_ == 0) return restart_from(now);
  const auto gap = poisson_ ? next_gap() : nanoseconds{std::llround(interval_ns_)};
  restart_from(std::min(due_, after(now, gap)));
}

void pace::begin(instant now) noexcept {
  const duration waited = age(origin_, now);
  if (end_ != never) end_ = after(end_, waited);
  origin_ = now;
  if (due_ != never) due_ = after(due_, waited);
}

void pace::set_left(std::optional<std::uint64_t> bodies) noexcept {
  left_ = bodies.value_or(std::numeric_limits<std::uint64_t>::max());
}

duration pace::put(instant now) {
  ++bodies_;
  if (left_ != std::numeric_limits<std::uint64_t>::max()) --left_;
  if (interval_ns_ == 0) {
    due_ = std::max(due_, now);
    return duration::zero();
  }
  const auto late = age(due_, now);
  if (poisson_) {
    due_ = after(due_, next_gap());
  } else {
    const auto since = static_cast<double>(++since_origin_) * interval_ns_;
    due_ = since < longest_gap_ns ? after(origin_, nanoseconds{std::llround(since)}) : never;
  }
  if (age(due_, now) > catch_up_max) restart_from(now - catch_up_max);
  return late;
}

void pace::had_nothing_until(instant now) noexcept {
  if (due_ < now) restart_from(now);
}

duration pace::next_gap() {
  // 53 random bits make a number in [0, 1); its logarithm is taken of one minus it, which is never zero.
  const auto uniform = static_cast<double>(random_() >> 11) * 0x1p-53;
  const auto gap_ns = -std::log1p(-uniform) * interval_ns_;
  return nanoseconds{std::llround(std::min(gap_ns, longest_gap_ns))};
}

void pace::restart_from(instant when) noexcept {
  origin_ = when;
  since_origin_ = 0;
  due_ = when;
}

}  // namespace millrace::workload
