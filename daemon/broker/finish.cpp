// The end of a job with its outputs: what the disk allows is checked before the engine is asked.
#include <algorithm>
#include <utility>

#include "broker/broker.hpp"
#include "broker/broker_parts.hpp"

namespace millrace::broker {

receipted<engine::finish_answer> broker::try_finish(session_id session, engine::finish_request&& request) {
  auto& p = *parts_;
  if (request.result == engine::outcome::ok) request.output_refusal = p.refusal_of(request.outputs);
  if (request.output_refusal == engine::reason::no_space && p.all_block(request.outputs))
    return commit_tracker::nothing().answer(engine::finish_answer{.status = engine::finish_status::no_space});
  const auto now = p.now();
  const auto answer = p.engine.finish(session, std::move(request), now);
  if (answer == engine::finish_status::waiting) p.pending.expect(session, p.wait_times.begin_if_waiting(answer, now));
  return p.commit().answer(answer);
}

std::optional<engine::reason> broker::parts::refusal_of(const std::vector<engine::output>& outputs) const {
  std::uint64_t bytes_on_disk = 0;
  bool some_on_disk = false;
  for (const auto& one : outputs) {
    if (!is_on_disk(one.queue)) continue;
    const std::uint64_t bytes = one.job.content.size();
    if (bytes > job_bytes_max) return engine::reason::too_large;
    bytes_on_disk += bytes;
    some_on_disk = true;
  }
  // After a failure of the store nothing becomes durable: waiting for space would not end.
  if (some_on_disk && store.short_of_space(bytes_on_disk) && !store.has_failed()) return engine::reason::no_space;
  return std::nullopt;
}

bool broker::parts::all_block(const std::vector<engine::output>& outputs) const {
  return std::ranges::all_of(outputs, [this](const engine::output& one) {
    return engine.options_of(one.queue).when_full == engine::overflow::block;
  });
}

loop::awaitable<receipted<engine::finish_answer>> broker::finished(session_id session, job_id job) {
  const auto decision = co_await parts_->decision_of(session, parts::wait_for::capacity_for_output, job);
  co_return decision.answer_with_receipt(decision.event.finish);
}

}  // namespace millrace::broker
