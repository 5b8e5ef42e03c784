#include "loop/stall_watch.hpp"

#include <algorithm>
#include <cassert>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "base/log.hpp"
#include "loop/loop_core.hpp"
#include "loop/signal_free_thread.hpp"
#include "loop/stack_sample.hpp"
#include "loop/symbols.hpp"

namespace millrace::loop {

namespace {

constexpr int samples_per_threshold = 8;
/// How long a sample may take. A thread that does not run, or blocks signals, gives none.
constexpr duration sample_patience = milliseconds{100};
/// Of a stack, in one log line.
constexpr std::size_t functions_max = 24;

instant read_clock() noexcept { return std::chrono::steady_clock::now(); }

/// The functions of a stack, the innermost first, without those between a task and its coroutine.
std::string text_of(const stack_sample& sample) {
  std::string text;
  std::size_t shown = 0;
  for (const auto& name : names_of(sample.addresses)) {
    if (name.starts_with("boost::asio::")) continue;
    if (++shown > functions_max) break;
    text += (text.empty() ? "" : " < ") + name;
  }
  return text;
}

std::int64_t in_milliseconds(duration length) { return std::chrono::duration_cast<milliseconds>(length).count(); }

}  // namespace

struct stall_watch::parts {
  parts(loop_core& watched, duration longest) : core{watched}, threshold{longest}, pause{pause_of(longest)} {}

  static duration pause_of(duration longest) {
    return std::max<duration>(longest / samples_per_threshold, microseconds{100});
  }

  /// Runs on the thread of the watch.
  void watch() {
    std::unique_lock hold{lock};
    std::uint64_t seen = 0;
    instant since{};
    bool reported = false;
    while (true) {
      threshold_changed = false;
      changed.wait_for(hold, pause, [this] { return ended || threshold_changed; });
      if (ended) return;
      const instant now = read_clock();
      const std::uint64_t resumptions = core.turn.resumptions.load(std::memory_order_relaxed);
      const task_notes* const running = core.turn.current.load(std::memory_order_relaxed);
      if (running == nullptr || resumptions != seen) {
        seen = resumptions;
        since = now;
        reported = false;
      } else if (!reported && now - since >= threshold) {
        reported = report(*running, resumptions, since, now);
        if (reported) {
          const auto name = stalled;
          hold.unlock();  // the loop must not wait for what follows
          log_stack(name, *running, resumptions);
          hold.lock();
        }
      }
    }
  }

  /// False: the stall ended meanwhile.
  bool report(const task_notes& running, std::uint64_t resumptions, instant since, instant now) {
    std::string name = core.tasks.name_of(running);
    if (core.turn.resumptions.load(std::memory_order_relaxed) != resumptions)
      return false;  // the name may be that of another task
    if (core.turn.current.load(std::memory_order_relaxed) != &running) return false;
    log::warning("loop_stalled", "a task holds the loop", {{"task", name}, {"held_ms", in_milliseconds(now - since)}});
    stalled = std::move(name);
    stalled_since = since;
    core.turn.stall_reported.store(true, std::memory_order_release);
    return true;
  }

  /// Nothing is logged if the stall ended meanwhile.
  void log_stack(const std::string& name, const task_notes& running, std::uint64_t resumptions) {
    const auto sample = sampler.take(read_clock() + sample_patience);
    if (!sample || core.turn.resumptions.load(std::memory_order_relaxed) != resumptions) return;
    if (core.turn.current.load(std::memory_order_relaxed) != &running) return;
    log::warning("loop_stall_stack", "the functions that the task is in while it holds the loop",
                 {{"task", name}, {"exact", sample->is_exact}, {"stack", text_of(*sample)}});
  }

  /// Loop thread: the reported stall has ended.
  void end() {
    std::string name;
    instant since{};
    {
      const std::lock_guard hold{lock};
      core.turn.stall_reported.store(false, std::memory_order_relaxed);
      name = std::exchange(stalled, {});
      since = stalled_since;
    }
    const duration held = read_clock() - since;
    log::warning("loop_stall_ended", "a task held the loop", {{"task", name}, {"held_ms", in_milliseconds(held)}});
    count(name.substr(0, name.find('#')), held);
  }

  void count(std::string task, duration held) {
    auto at = std::find_if(counts.begin(), counts.end(), [&](const stall_count& c) { return c.task == task; });
    if (at == counts.end() && counts.size() >= stalled_names_max) return count_other(held);
    if (at == counts.end()) at = counts.insert(at, {std::move(task), 0, {}});
    ++at->stalls;
    at->longest = std::max(at->longest, held);
  }

  void count_other(duration held) {
    ++others.stalls;
    others.longest = std::max(others.longest, held);
  }

  loop_core& core;
  stack_sampler sampler;  ///< of the loop's thread
  std::mutex lock;        ///< over the members from here to `stalled_since`
  duration threshold;
  duration pause;
  std::condition_variable changed;
  bool ended{false};
  bool threshold_changed{false};
  std::string stalled;
  instant stalled_since{};
  std::vector<stall_count> counts;  ///< loop thread
  stall_count others{"__other__", 0, {}};
  std::thread thread;
};

stall_watch::stall_watch(event_loop& loop, duration threshold)
    : parts_{std::make_unique<parts>(loop.core(), threshold)} {
  assert(threshold > duration::zero());
  loop.core().turn.on_stall_ended = [parts = parts_.get()] { parts->end(); };
  parts_->thread = signal_free_thread("stall watch", [parts = parts_.get()] { parts->watch(); });
}

stall_watch::~stall_watch() {
  {
    const std::lock_guard hold{parts_->lock};
    parts_->ended = true;
  }
  parts_->changed.notify_one();
  parts_->thread.join();
  turn_notes& turn = parts_->core.turn;
  turn.stall_reported.store(false, std::memory_order_relaxed);
  turn.on_stall_ended = nullptr;
}

void stall_watch::set_threshold(duration threshold) {
  assert(threshold > duration::zero());
  {
    const std::lock_guard hold{parts_->lock};
    parts_->threshold = threshold;
    parts_->pause = parts::pause_of(threshold);
    parts_->threshold_changed = true;
  }
  parts_->changed.notify_one();
}

std::vector<stall_count> stall_watch::stalls() const {
  std::vector<stall_count> all = parts_->counts;
  if (parts_->others.stalls != 0) all.push_back(parts_->others);
  return all;
}

bool stall_watch::reporting() const noexcept {
  return parts_->core.turn.stall_reported.load(std::memory_order_acquire);
}

}  // namespace millrace::loop
