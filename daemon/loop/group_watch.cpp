#include "loop/group_watch.hpp"

#include <algorithm>
#include <cassert>
#include <condition_variable>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <millrace/base/quantity.hpp>

#include "loop/group_usage.hpp"
#include "loop/signal_free_thread.hpp"

namespace millrace::loop {

namespace {

/// A part of the life of a group.
struct cpu_span {
  std::uint64_t key;
  bool is_sampled{false};          ///< it had begun when the last sample began
  std::optional<duration> from{};  ///< what the group had used at the first sample
  bool is_reported{false};
};

std::string exceeded_text(const process_usage& largest, const std::string& figure, std::string_view setting,
                          const std::string& limit) {
  return "process " + std::to_string(largest.process) + " (" + largest.name + ") and its group use " + figure +
         ", more than " + std::string{setting} + " (" + limit + ")";
}

std::optional<exceeded_limit> compare_cpu(const group_usage& usage, duration used, const group_limits& limits,
                                          std::uint64_t span) {
  if (!limits.cpu_max || used <= *limits.cpu_max) return std::nullopt;
  return exceeded_limit{exceeded_limit::kind::cpu, span,
                        exceeded_text(usage.largest, write_duration(used) + " of processor time", limits.cpu_setting,
                                      write_duration(*limits.cpu_max))};
}

bool is_of_span(const group_limits& limits, const exceeded_limit& exceeded) {
  return limits.cpu_by_span && exceeded.resource == exceeded_limit::kind::cpu;
}

std::optional<exceeded_limit> compare(const group_usage& usage, const group_limits& limits,
                                      std::vector<cpu_span>& spans) {
  if (limits.memory_max && usage.memory > *limits.memory_max) {
    return exceeded_limit{exceeded_limit::kind::memory, 0,
                          exceeded_text(usage.largest, write_size(usage.memory) + " of memory", limits.memory_setting,
                                        write_size(*limits.memory_max))};
  }
  if (!limits.cpu_by_span) return compare_cpu(usage, usage.cpu, limits, 0);
  for (cpu_span& span : spans) {
    if (!span.is_sampled || span.is_reported) continue;
    // A process that nobody waited for takes its time with it.
    span.from = std::min(span.from.value_or(usage.cpu), usage.cpu);
    auto exceeded = compare_cpu(usage, usage.cpu - *span.from, limits, span.key);
    span.is_reported = exceeded.has_value();
    if (exceeded) return exceeded;
  }
  return std::nullopt;
}

}  // namespace

struct group_watch::entry::state {
  pid_t group;
  group_limits limits;
  std::function<void(const exceeded_limit&)> on_exceeded;  ///< loop thread; empty: ended, or called
  std::weak_ptr<group_watch::parts> owner;
  // With the lock of the owner.
  std::vector<cpu_span> spans{};
  bool is_reported{false};  ///< a limit that is for the whole life was exceeded

  [[nodiscard]] bool has_span(std::uint64_t key) const {
    return std::ranges::find(spans, key, &cpu_span::key) != spans.end();
  }
  /// One that began with the same key after the report is not the reported one.
  [[nodiscard]] bool has_reported_span(std::uint64_t key) const {
    const auto found = std::ranges::find(spans, key, &cpu_span::key);
    return found != spans.end() && found->is_reported;
  }
};

struct group_watch::parts {
  explicit parts(event_loop& owner) : loop{owner} {}

  void run();
  void report(const std::shared_ptr<entry::state>& watched, exceeded_limit exceeded);

  event_loop& loop;
  std::thread thread;
  std::mutex lock;
  std::condition_variable changed;
  std::vector<std::shared_ptr<entry::state>> watched;
  bool ending{false};
};

void group_watch::parts::run() {
  std::unique_lock hold{lock};
  for (;;) {
    changed.wait(hold, [this] { return ending || !watched.empty(); });
    if (changed.wait_for(hold, sample_every, [this] { return ending; })) return;
    const auto present = watched;
    std::vector<pid_t> groups;
    groups.reserve(present.size());
    for (const auto& one : present) {
      groups.push_back(one->group);
      for (cpu_span& span : one->spans) span.is_sampled = true;
    }
    hold.unlock();
    const auto usages = usage_of_groups(groups);
    hold.lock();
    for (const auto& one : present) {
      const auto used = usages.find(one->group);
      if (used == usages.end() || one->is_reported) continue;
      auto exceeded = compare(used->second, one->limits, one->spans);
      if (!exceeded) continue;
      // A span may end before the loop hears of it. Then the watch goes on.
      one->is_reported = !is_of_span(one->limits, *exceeded);
      report(one, std::move(*exceeded));
    }
  }
}

void group_watch::parts::report(const std::shared_ptr<entry::state>& one, exceeded_limit exceeded) {
  loop.post_from_any_thread([one, found = std::move(exceeded)] {
    if (is_of_span(one->limits, found)) {
      const auto all = one->owner.lock();
      if (all == nullptr) return;
      const std::lock_guard hold{all->lock};
      if (!one->has_reported_span(found.span)) return;
    }
    if (const auto call = std::exchange(one->on_exceeded, nullptr)) call(found);
  });
}

group_watch::group_watch(event_loop& loop) : parts_{std::make_shared<parts>(loop)} {}

group_watch::~group_watch() {
  if (!parts_->thread.joinable()) return;
  {
    const std::lock_guard hold{parts_->lock};
    parts_->ending = true;
  }
  parts_->changed.notify_all();
  parts_->thread.join();
}

result<group_watch::entry> group_watch::add(pid_t group, const group_limits& limits,
                                            std::function<void(const exceeded_limit&)> on_exceeded) {
  entry made;
  made.state_ = std::make_shared<entry::state>(entry::state{group, limits, std::move(on_exceeded), parts_});
  if (!limits.any()) return made;
  if (!parts_->thread.joinable()) {
    try {
      parts_->thread = signal_free_thread("child limits", [all = parts_.get()] { all->run(); });
    } catch (const std::system_error& failure) {
      return error{errc::io, failure.what()};
    }
  }
  {
    const std::lock_guard hold{parts_->lock};
    parts_->watched.push_back(made.state_);
  }
  parts_->changed.notify_all();
  return made;
}

group_watch::entry& group_watch::entry::operator=(entry&& other) noexcept {
  if (this != &other) {
    end();
    state_ = std::move(other.state_);
  }
  return *this;
}

void group_watch::entry::begin_span(std::uint64_t key) {
  if (state_ == nullptr || !state_->limits.cpu_by_span) return;
  if (const auto all = state_->owner.lock()) {
    const std::lock_guard hold{all->lock};
    assert(!state_->has_span(key));
    state_->spans.push_back({key});
  }
}

void group_watch::entry::end_span(std::uint64_t key) noexcept {
  if (state_ == nullptr || !state_->limits.cpu_by_span) return;
  if (const auto all = state_->owner.lock()) {
    const std::lock_guard hold{all->lock};
    std::erase_if(state_->spans, [key](const cpu_span& span) { return span.key == key; });
  }
}

void group_watch::entry::end() noexcept {
  if (state_ == nullptr) return;
  state_->on_exceeded = nullptr;
  if (const auto all = state_->owner.lock()) {
    const std::lock_guard hold{all->lock};
    std::erase(all->watched, state_);
  }
  state_.reset();
}

}  // namespace millrace::loop
