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

/// The answer to a change that was not written.
[[nodiscard]] inline refusal store_failed(const broker::broker& broker) {
  return {503, "store_failed", "The store has failed: " + broker.store_failure() + ".", ""};
}

/// Why no change of this queue can be kept any more; nullopt if it can. Queues in memory need no store.
[[nodiscard]] inline std::optional<refusal> not_durable(const context& context, queue_id queue) {
  const auto& broker = context.broker;
  if (!broker.store_has_failed() || broker.engine().options_of(queue).durability == engine::durability::memory)
    return std::nullopt;
  return store_failed(broker);
}

/// Suspends until the store has what the receipt stands for. False: the store has failed before.
inline loop::awaitable<bool> until_durable(broker::broker& broker, broker::receipt receipt) {
  while (!broker.is_durable(receipt) && !broker.store_has_failed()) co_await broker.until_more_durable();
  co_return broker.is_durable(receipt);
}

/// The answer, when the store has what the receipt stands for.
inline loop::awaitable<http::response> when_durable(broker::broker& broker, broker::receipt receipt,
                                                    http::response answer) {
  const bool is_durable = co_await until_durable(broker, receipt);
  if (!is_durable) co_return refuse(store_failed(broker));
  co_return answer;
}

}  // namespace millrace::control
