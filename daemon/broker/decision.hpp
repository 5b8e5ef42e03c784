#pragma once

#include "engine/command.hpp"

namespace millrace::broker {

/// Somebody who waits without a coroutine: a connection, of which there may be thousands, and whose bytes go on coming in meanwhile.
class decision_taker {
 public:
  /// What the engine decided for its put or reserve that was answered `waiting`. Called in the middle of somebody else's command: note it and go on at the
  /// next turn; no command may be given from here.
  virtual void decided(engine::event&& what) noexcept = 0;

 protected:
  ~decision_taker() = default;
};

}  // namespace millrace::broker
