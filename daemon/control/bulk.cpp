#include "control/bulk.hpp"

#include <algorithm>

#include <millrace/loop/deadline.hpp>

#include "control/change_request.hpp"

namespace millrace::control {

namespace {

/// Counts the jobs of a step when the store has them. False: the action must end.
loop::awaitable<bool> finish_step(const context& context, broker::receipted<std::size_t> step, action& facts) {
  auto& broker = context.broker;
  // Also for a relaxed queue, whose answers do not wait: the backlog must not grow with the action.
  const broker::receipt written{.batch = step.durable_with.written_with};
  const bool is_written = co_await until_durable(broker, written);
  if (!is_written) {
    facts.state = action_state::failed;
    facts.error = "the store has failed: " + broker.store_failure();
    co_return false;
  }
  facts.done += step.answer;
  co_await loop::yield(context.loop);
  if (facts.stopping) facts.state = action_state::stopped;
  co_return !facts.stopping;
}

}  // namespace

loop::awaitable<> purge(const context& context, queue_id queue, std::vector<engine::job_state> states, action& facts) {
  const auto began = facts.began;
  for (const auto state : states) {
    for (;;) {
      auto step = context.broker.purge(queue, state, began);
      if (step.answer == 0) break;
      const bool goes_on = co_await finish_step(context, step, facts);
      if (!goes_on) co_return;
    }
  }
}

loop::awaitable<> kick(const context& context, queue_id queue, std::uint64_t bound, engine::engine::kick_from origin,
                       action& facts) {
  while (facts.done < bound) {
    auto step = context.broker.kick(queue, bound - facts.done, origin);
    if (step.answer == 0) break;
    const bool goes_on = co_await finish_step(context, step, facts);
    if (!goes_on) co_return;
  }
}

}  // namespace millrace::control
