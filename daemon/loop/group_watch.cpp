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

std::optional<exceeded_limit> compare(const group_usage& usage, const group_limits& limits) {
  const std::string group =
      "process " + std::to_string(usage.largest.process) + " (" + usage.largest.name + ") and its group use ";
  if (limits.memory_max && usage.memory > *limits.memory_max) {
    return exceeded_limit{
        exceeded_limit::kind::memory,
        group + write_size(usage.memory) + " of memory, more than memory_max (" + write_size(*limits.memory_max) + ")"};
  }
  if (limits.cpu_max && usage.cpu > *limits.cpu_max) {
    return exceeded_limit{exceeded_limit::kind::cpu, group + write_duration(usage.cpu) +
                                                         " of processor time, more than cpu_max (" +
                                                         write_duration(*limits.cpu_max) + ")"};
  }
  return std::nullopt;
}

}  // namespace

struct group_watch::entry::state {
  pid_t group;
  group_limits limits;
  std::function<void(const exceeded_limit&)> on_exceeded;  ///< loop thread; empty: ended, or called
  std::weak_ptr<group_watch::parts> owner;
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
    for (const auto& one : present) groups.push_back(one->group);
    hold.unlock();
    const auto usages = usage_of_groups(groups);
    std::vector<std::shared_ptr<entry::state>> reported;
    for (const auto& one : present) {
      const auto used = usages.find(one->group);
      if (used == usages.end()) continue;
      if (auto exceeded = compare(used->second, one->limits)) {
        report(one, std::move(*exceeded));
        reported.push_back(one);
      }
    }
    hold.lock();
    std::erase_if(watched, [&](const auto& one) { return std::ranges::find(reported, one) != reported.end(); });
  }
}

void group_watch::parts::report(const std::shared_ptr<entry::state>& one, exceeded_limit exceeded) {
  loop.post_from_any_thread([one, found = std::move(exceeded)] {
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
