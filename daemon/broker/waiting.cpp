#include "broker/waiting.hpp"

#include <cassert>
#include <utility>

namespace millrace::broker {

void waiting::expect(session_id session, std::optional<admission::stay> held) {
  [[maybe_unused]] const auto [place, fresh] = parties_.try_emplace(session);
  assert(fresh && "a session waits for one thing at a time");
  place->second.held = held;
}

void waiting::expect(session_id session, std::optional<admission::stay> held, decision_taker& taker) {
  expect(session, held);
  parties_.find(session)->second.taker = &taker;
}

std::optional<admission::stay> waiting::decide(decision&& decision) {
  const auto found = parties_.find(decision.event.session);
  if (found == parties_.end()) return std::nullopt;
  auto& mine = found->second;
  if (mine.taker != nullptr) {
    const auto held = mine.held;
    auto& taker = *mine.taker;
    parties_.erase(found);
    taker.decided(std::move(decision));
    return held;
  }
  mine.decided = std::move(decision);
  if (mine.point != nullptr) mine.point->wake_one();
  return std::exchange(mine.held, std::nullopt);
}

loop::awaitable<> waiting::wait(session_id session, std::string_view what) {
  const auto found = parties_.find(session);
  assert(found != parties_.end() && "waits for what it was not told to expect");
  // Nodes of the map stay where they are, whoever comes and goes meanwhile.
  auto& mine = found->second;
  if (mine.decided) co_return;
  loop::wait_point point{loop_, what};
  mine.point = &point;
  try {
    co_await point.wait();
    mine.point = nullptr;
  } catch (...) {
    mine.point = nullptr;
    throw;
  }
}

bool waiting::has_decision(session_id session) const {
  const auto found = parties_.find(session);
  return found != parties_.end() && found->second.decided;
}

decision waiting::take(session_id session) {
  const auto found = parties_.find(session);
  assert(found != parties_.end() && found->second.decided);
  auto decided = std::move(*found->second.decided);
  parties_.erase(found);
  return decided;
}

std::optional<admission::stay> waiting::withdraw(session_id session) {
  const auto found = parties_.find(session);
  if (found == parties_.end()) return std::nullopt;
  assert(found->second.point == nullptr && "a coroutine still waits");
  const auto held = found->second.held;
  parties_.erase(found);
  return held;
}

}  // namespace millrace::broker
