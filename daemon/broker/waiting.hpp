#pragma once

#include <optional>
#include <string_view>
#include <unordered_map>

#include <millrace/base/ids.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/wait_point.hpp>

#include "broker/admission.hpp"
#include "broker/decision.hpp"
#include "engine/command.hpp"

namespace millrace::broker {

/// Ids of waiting parties → suspended coroutines. The engine knows parties by id and decides; here the decision finds its coroutine.
///
/// Belongs to the broker, on the loop's thread. A session waits for one thing at a time (asserted), from the engine's answer `waiting` until its
/// decision is taken or its wait withdrawn; the decision may come before the coroutine that takes it.
class waiting {
 public:
  explicit waiting(loop::event_loop& loop) : loop_{loop} {}

  /// The engine answered `waiting` for this session.
  void expect(session_id session, std::optional<admission::stay> held = std::nullopt);
  /// The same for somebody without a coroutine, who is told at once and not expected any more then.
  void expect(session_id session, std::optional<admission::stay> held, decision_taker& taker);
  /// The engine decided: wakes the session's coroutine at the next turn. Returns its stay, which has ended; nothing for a session that has gone.
  std::optional<admission::stay> decide(decision&& decision);
  /// Suspends until there is a decision. Cancelled: throws, though a decision may be there. `what` is a literal.
  loop::awaitable<> wait(session_id session, std::string_view what);
  [[nodiscard]] bool has_decision(session_id session) const;
  /// The decision, which ends the wait. Asserts that there is one.
  decision take(session_id session);
  /// No decision is expected any more; returns the stay that ends.
  std::optional<admission::stay> withdraw(session_id session);

 private:
  struct party {
    loop::wait_point* point{nullptr};
    std::optional<admission::stay> held;
    std::optional<decision> decided;
    decision_taker* taker{nullptr};
  };

  loop::event_loop& loop_;
  std::unordered_map<session_id, party> parties_;
};

}  // namespace millrace::broker
