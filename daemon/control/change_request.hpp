#pragma once

#include <cstdint>
#include <optional>

#include "control/answers.hpp"
#include "control/context.hpp"
#include "http/routes.hpp"

namespace millrace::control {

/// The client that asks for a change, for the log. -1: unknown, because it came over no Unix socket.
struct changer {
  std::int64_t user{-1};
  std::int64_t process{-1};

  explicit changer(const http::request& request) {
    if (!request.peer) return;
    user = request.peer->user;
    process = request.peer->process;
  }
};

/// Why the daemon gives no commands to the broker now; nullopt if it does.
[[nodiscard]] inline std::optional<refusal> not_running(const context& context) {
  switch (context.readiness.phase()) {
    case http::phase::running:
      return std::nullopt;
    case http::phase::starting:
    case http::phase::recovering:
      return refusal{503, "recovering", "The daemon recovers its jobs; try again when it is ready."};
    case http::phase::draining:
      return refusal{503, "draining", "The daemon is stopping."};
  }
  return std::nullopt;
}

/// Suspends until the store has what the receipt stands for. False: the store has failed before.
inline loop::awaitable<bool> until_durable(broker::broker& broker, broker::receipt receipt) {
  while (!broker.is_durable(receipt) && !broker.store_has_failed()) co_await broker.until_more_durable();
  co_return broker.is_durable(receipt);
}

}  // namespace millrace::control
