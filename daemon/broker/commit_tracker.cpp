#include "broker/commit_tracker.hpp"

#include <algorithm>
#include <numeric>
#include <variant>

namespace millrace::broker {

commit_tracker::commit_tracker(loop::event_loop& loop, store::store& store)
    : loop_{loop}, store_{store}, is_persistent_{store.is_persistent()}, ids_{store}, more_durable_{loop, "disk"} {
  store_.set_on_durable([this] { on_durable(); });
}

committed commit_tracker::commit(engine::change_set& changes, job_id last_id, cause trigger) {
  auto of_changes = hand_over(changes, trigger);
  const auto of_block = ids_.batch_for(last_id.value());
  of_changes.batch = std::max(of_changes.batch, of_block);
  return {of_changes, {.batch = of_block}};
}

committed commit_tracker::known_ids(job_id last_id) const {
  const receipt of_ids{.batch = ids_.batch_of_known(last_id.value())};
  return {of_ids, of_ids};
}

receipt commit_tracker::hand_over(engine::change_set& changes, cause trigger) {
  auto strongest = engine::durability::memory;
  std::erase_if(changes, [&](const engine::change& one) {
    const auto durability = std::visit([](const auto& change) { return change.durability; }, one);
    strongest = std::max(strongest, durability);
    return durability == engine::durability::memory;
  });
  if (changes.empty()) return {};
  if (strongest == engine::durability::sync) {
    newest_awaited_ = last_written_ = store_.append(changes);
    return {.batch = last_written_, .written_with = last_written_};
  }
  last_written_ = store_.append_relaxed(changes);
  if (store_.lagging()) {
    newest_awaited_ = last_written_;
    return {.batch = last_written_, .written_with = last_written_};
  }
  if (trigger == cause::command && !is_durable(last_written_)) {
    if (acknowledged_.empty() || acknowledged_.back().batch != last_written_)
      acknowledged_.push_back({last_written_, 0});
    ++acknowledged_.back().commands;
  }
  return {.batch = 0, .written_with = last_written_};
}

std::uint64_t commit_tracker::acknowledged_not_durable() const {
  return std::accumulate(acknowledged_.begin(), acknowledged_.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const acknowledged& one) { return sum + one.commands; });
}

loop::awaitable<> commit_tracker::until_more_durable() { co_await more_durable_.wait(); }

loop::awaitable<> commit_tracker::until_durable(store::batch_id batch) {
  if (is_durable(batch)) co_return;
  waiter self{{loop_, "commit"}};
  const auto entry = waiters_.emplace(batch, &self);
  try {
    co_await self.point.wait();
  } catch (...) {
    if (!self.durable) {
      waiters_.erase(entry);
      throw;
    }
  }
}

void commit_tracker::on_durable() {
  more_durable_.wake_all();
  while (!acknowledged_.empty() && is_durable(acknowledged_.front().batch)) acknowledged_.pop_front();
  const auto first_left = waiters_.upper_bound(store_.durable_up_to());
  for (auto one = waiters_.begin(); one != first_left; ++one) {
    one->second->durable = true;
    one->second->point.wake_one();
  }
  waiters_.erase(waiters_.begin(), first_left);
  subscribers_.notify();
}

}  // namespace millrace::broker
