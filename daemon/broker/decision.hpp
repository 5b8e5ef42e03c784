#pragma once

#include <utility>

#include "broker/receipt.hpp"
#include "engine/command.hpp"

namespace millrace::broker {

/// The decision of the engine for a session that waited, and the receipt that says when it may be sent.
struct decision {
  engine::event event;
  receipt durable_with{};

  /// The same decision in the form in which a command would have answered.
  template <class Answer>
  receipted<Answer> answer_with_receipt(Answer answer) const {
    return {std::move(answer), durable_with};
  }
};

/// Receives decisions without a coroutine: for connections, of which there may be thousands, and which receive bytes
/// while they wait. Owned by the owner of the session; loop thread only.
class decision_taker {
 public:
  /// The decision on this taker's put, reserve or peek that was answered `waiting`. Called in the middle of another
  /// session's command: note the decision and continue at the next turn. Requires: no command is given from here.
  virtual void on_decision(decision&& decision) noexcept = 0;

 protected:
  ~decision_taker() = default;
};

}  // namespace millrace::broker
