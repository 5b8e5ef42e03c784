#pragma once

#include <optional>
#include <string_view>
#include <unordered_map>

#include <millrace/base/ids.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/wait_point.hpp>

#include "broker/capacity_wait_times.hpp"
#include "broker/decision.hpp"
#include "engine/command.hpp"

namespace millrace::broker {

/// The sessions that wait for a decision of the engine, each with the coroutine or the taker that receives it.
///
/// Belongs to the broker, on the loop's thread. A session waits for one thing at a time (asserted), from the engine's
/// answer `waiting` until its decision is taken or its wait withdrawn; the decision may come before the coroutine that
/// takes it.
class pending_decisions {
 public:
  explicit pending_decisions(loop::event_loop& loop) : loop_{loop} {}

  /// The engine answered `waiting` for this session. `taker` is called once; nullptr: a coroutine takes the decision.
  void expect(session_id session, std::optional<capacity_wait_times::wait> capacity_wait = std::nullopt,
              decision_taker* taker = nullptr);
  /// The engine decided: calls the session's taker, or wakes its coroutine, which goes on after this call. Returns its
  /// wait, which has ended; nothing for a session that has gone.
  std::optional<capacity_wait_times::wait> decide(decision&& decision);
  /// Suspends until there is a decision. Cancelled: throws, even if there is one. `waits_for` is a literal.
  loop::awaitable<> wait(session_id session, std::string_view waits_for);
  [[nodiscard]] bool has_decision(session_id session) const;
  /// The decision, which ends the wait. Asserts that there is one.
  decision take(session_id session);
  /// No decision is expected any more; returns the wait that ends.
  std::optional<capacity_wait_times::wait> withdraw(session_id session);

 private:
  struct entry {
    loop::wait_point* point{nullptr};
    std::optional<capacity_wait_times::wait> capacity_wait;
    std::optional<decision> decided;
    decision_taker* taker{nullptr};
  };

  loop::event_loop& loop_;
  std::unordered_map<session_id, entry> entries_;
};

}  // namespace millrace::broker
