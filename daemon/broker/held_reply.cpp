#include "broker/held_reply.hpp"

#include <algorithm>
#include <numeric>
#include <variant>

namespace millrace::broker {

namespace {

/// A job that was kept once is on disk, though its queue lives in memory now: were its end not kept, it would come back.
bool is_on_disk(const engine::change& one) noexcept {
  if (const auto* const moved = std::get_if<engine::job_moved>(&one)) return moved->on_disk;
  const auto* const gone = std::get_if<engine::job_gone>(&one);
  return gone != nullptr && gone->on_disk;
}

}  // namespace

held_reply::held_reply(loop::event_loop& loop, store::store& store)
    : loop_{loop}, store_{store}, remembers_{store.remembers()}, worked_off_{loop, "disk"} {
  store_.when_safe([this] {
    wake_safe();
    if (moved_) moved_();
  });
}

store::batch_id held_reply::keep(engine::change_set& changes, const engine::engine& of, cause why) {
  kept_batch_ = 0;
  const auto wanted = [&of](const engine::change& one) {
    const auto how = of.options_of(std::visit([](const auto& what) { return what.queue; }, one)).safety;
    // Nobody waits for a position alone: it is as safe as the put beside it.
    if (std::holds_alternative<engine::source_moved>(one)) return std::min(how, engine::durability::relaxed);
    return how == engine::durability::memory && is_on_disk(one) ? engine::durability::relaxed : how;
  };
  auto safest = engine::durability::memory;
  std::erase_if(changes, [&](const engine::change& one) {
    const auto how = wanted(one);
    safest = std::max(safest, how);
    return how == engine::durability::memory;
  });
  if (changes.empty()) return 0;
  if (safest != engine::durability::sync) {
    kept_batch_ = last_kept_ = store_.keep_soon(changes);
    if (store_.lagging()) return newest_ = last_kept_;
    if (why == cause::time || is_safe(last_kept_)) return 0;
    if (unsafe_.empty() || unsafe_.back().batch != last_kept_) unsafe_.push_back({last_kept_, 0});
    ++unsafe_.back().commands;
    return 0;
  }
  return newest_ = last_kept_ = kept_batch_ = store_.keep(changes);
}

std::uint64_t held_reply::acknowledged_unsafe() const {
  return std::accumulate(unsafe_.begin(), unsafe_.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const acknowledged& one) { return sum + one.commands; });
}

loop::awaitable<> held_reply::until_more_is_safe() { co_await worked_off_.wait(); }

loop::awaitable<> held_reply::until_safe(store::batch_id batch) {
  if (is_safe(batch)) co_return;
  holder held{{loop_, "commit"}};
  const auto place = waiting_.emplace(batch, &held);
  try {
    co_await held.point.wait();
  } catch (...) {
    if (!held.safe) {
      waiting_.erase(place);
      throw;
    }
  }
}

void held_reply::wake_safe() {
  worked_off_.wake_all();
  while (!unsafe_.empty() && is_safe(unsafe_.front().batch)) unsafe_.pop_front();
  const auto first_unsafe = waiting_.upper_bound(store_.safe_up_to());
  for (auto one = waiting_.begin(); one != first_unsafe; ++one) {
    one->second->safe = true;
    one->second->point.wake_one();
  }
  waiting_.erase(waiting_.begin(), first_unsafe);
}

}  // namespace millrace::broker
