#include "broker/pending_decisions.hpp"

#include <cassert>
#include <utility>

namespace millrace::broker {

void pending_decisions::expect(session_id session, std::optional<capacity_wait_times::wait> capacity_wait,
                               decision_taker* taker) {
  [[maybe_unused]] const auto [added, fresh] = entries_.try_emplace(session);
  assert(fresh && "a session waits for one thing at a time");
  added->second.capacity_wait = capacity_wait;
  added->second.taker = taker;
}

std::optional<capacity_wait_times::wait> pending_decisions::decide(decision&& decision) {
  const auto found = entries_.find(decision.event.session);
  if (found == entries_.end()) return std::nullopt;
  auto& waiting = found->second;
  if (waiting.taker != nullptr) {
    const auto ended = waiting.capacity_wait;
    auto& taker = *waiting.taker;
    entries_.erase(found);
    taker.on_decision(std::move(decision));
    return ended;
  }
  waiting.decided = std::move(decision);
  if (waiting.point != nullptr) waiting.point->wake_one();
  return std::exchange(waiting.capacity_wait, std::nullopt);
}

loop::awaitable<> pending_decisions::wait(session_id session, std::string_view waits_for) {
  const auto found = entries_.find(session);
  assert(found != entries_.end() && "the session expects no decision");
  // Nodes of the map are stable.
  auto& waiting = found->second;
  if (waiting.decided) co_return;
  loop::wait_point point{loop_, waits_for};
  waiting.point = &point;
  try {
    co_await point.wait();
    waiting.point = nullptr;
  } catch (...) {
    waiting.point = nullptr;
    throw;
  }
}

bool pending_decisions::has_decision(session_id session) const {
  const auto found = entries_.find(session);
  return found != entries_.end() && found->second.decided;
}

decision pending_decisions::take(session_id session) {
  const auto found = entries_.find(session);
  assert(found != entries_.end() && found->second.decided);
  auto decided = std::move(*found->second.decided);
  entries_.erase(found);
  return decided;
}

std::optional<capacity_wait_times::wait> pending_decisions::withdraw(session_id session) {
  const auto found = entries_.find(session);
  if (found == entries_.end()) return std::nullopt;
  assert(found->second.point == nullptr && "a coroutine still waits");
  const auto ended = found->second.capacity_wait;
  entries_.erase(found);
  return ended;
}

}  // namespace millrace::broker
