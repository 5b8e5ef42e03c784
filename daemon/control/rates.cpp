#include "control/rates.hpp"

#include <cmath>

#include <millrace/loop/deadline.hpp>

namespace millrace::control {

loop::awaitable<> rates::run(loop::event_loop& loop) {
  for (;;) {
    bool done = begin_sweep(loop.now());
    while (!done) {
      co_await loop::yield(loop);
      done = sweep_on();
    }
    co_await loop::sleep_for(loop, interval);
  }
}

bool rates::begin_sweep(instant now) {
  elapsed_ = began_at_ ? in_seconds(time_between(*began_at_, now)) : 0;
  began_at_ = now;
  for (std::size_t n = 0; n < windows.size(); ++n) kept_[n] = std::exp(-elapsed_ / in_seconds(windows[n]));
  ++sweep_;
  next_ = 0;
  removing_ = false;
  return sweep_on();
}

bool rates::sweep_on() {
  if (!removing_) {
    slice_.clear();
    next_ = engine_.list_queues(next_, slice_queues, slice_);
    for (const auto queue : slice_) read(queue);
    removing_ = next_ == 0;
    last_checked_ = {};
    return false;
  }
  auto one = queues_.upper_bound(last_checked_);
  for (std::size_t n = 0; n < slice_queues && one != queues_.end(); ++n) {
    last_checked_ = one->first;
    one = one->second.sweep == sweep_ ? std::next(one) : queues_.erase(one);
  }
  return one == queues_.end();
}

rates::counts rates::counts_of(queue_id queue) const {
  const auto& all = engine_.counts(queue);
  std::uint64_t ends = 0;
  for (const auto& outcome : all.finished) ends += outcome.value();
  return {all.puts.value(), all.reserved.value(), ends};
}

void rates::read(queue_id queue) {
  const auto now = counts_of(queue);
  auto& known = queues_[queue];
  known.sweep = sweep_;
  // A queue that came into being since the last sweep has counted from 0. At the first sweep nothing is known.
  for (std::size_t n = 0; n < windows.size() && elapsed_ > 0; ++n) {
    const auto kept = static_cast<float>(kept_[n]);
    const auto fresh = 1 - kept;
    known.weight[n] = known.weight[n] * kept + fresh;
    for (std::size_t at = 0; at < counters; ++at) {
      const auto per_second = static_cast<float>(static_cast<double>(now[at] - known.last[at]) / elapsed_);
      known.mean[at][n] = known.mean[at][n] * kept + per_second * fresh;
    }
  }
  known.last = now;
}

std::optional<rates::queue_rates> rates::of(queue_id queue) const {
  const auto found = queues_.find(queue);
  if (found == queues_.end()) return std::nullopt;
  const auto& known = found->second;
  queue_rates shown;
  const std::array<rate*, counters> into{&shown.puts, &shown.reserves, &shown.ends};
  for (std::size_t n = 0; n < windows.size(); ++n) {
    if (known.weight[n] <= 0) return std::nullopt;
    for (std::size_t at = 0; at < counters; ++at) (*into[at])[n] = known.mean[at][n] / known.weight[n];
  }
  return shown;
}

}  // namespace millrace::control
