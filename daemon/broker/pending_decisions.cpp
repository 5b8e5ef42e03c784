#include "broker/pending_decisions.hpp"

#include <cassert>
#include <utility>

namespace millrace::broker {

void pending_decisions::expect(session_id session, std::optional<admission::hold> held) {
  [[maybe_unused]] const auto [place, fresh] = entries_.try_emplace(session);
  assert(fresh && "a session waits for one thing at a time");
  place->second.held = held;
}

void pending_decisions::expect(session_id session, std::optional<admission::hold> held, decision_taker& taker) {
  expect(session, held);
  entries_.find(session)->second.taker = &taker;
}

std::optional<admission::hold> pending_decisions::decide(decision&& decision) {
  const auto found = entries_.find(decision.event.session);
  if (found == entries_.end()) return std::nullopt;
  auto& waiting = found->second;
  if (waiting.taker != nullptr) {
    const auto held = waiting.held;
    auto& taker = *waiting.taker;
    entries_.erase(found);
    taker.decided(std::move(decision));
    return held;
  }
  waiting.decided = std::move(decision);
  if (waiting.point != nullptr) waiting.point->wake_one();
  return std::exchange(waiting.held, std::nullopt);
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

std::optional<admission::hold> pending_decisions::withdraw(session_id session) {
  const auto found = entries_.find(session);
  if (found == entries_.end()) return std::nullopt;
  assert(found->second.point == nullptr && "a coroutine still waits");
  const auto held = found->second.held;
  entries_.erase(found);
  return held;
}

}  // namespace millrace::broker
