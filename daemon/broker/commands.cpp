#include "broker/broker.hpp"
#include "broker/broker_parts.hpp"

namespace millrace::broker {

// --- on one job ------------------------------------------------------------------------------------------------------

receipted<bool> broker::release(session_id session, job_id job, engine::priority priority, duration delay) {
  auto& p = *parts_;
  const bool released = p.engine.release(session, job, priority, delay, p.now());
  return p.commit().answer(released);
}

receipted<bool> broker::bury(session_id session, job_id job, engine::priority priority) {
  auto& p = *parts_;
  const bool buried = p.engine.bury(session, job, priority, p.now());
  return p.commit().answer(buried);
}

receipted<bool> broker::touch(session_id session, job_id job) {
  auto& p = *parts_;
  const bool touched = p.engine.touch(session, job, p.now());
  // A lease is not kept, and the client knows the id: the answer waits for nothing.
  p.commit_without_receipt();
  return commit_tracker::nothing().answer(touched);
}

receipted<bool> broker::erase(session_id session, job_id job) {
  auto& p = *parts_;
  const bool erased = p.engine.erase(session, job, p.now());
  return p.commit().answer(erased);
}

receipted<bool> broker::cancel(job_id job) {
  auto& p = *parts_;
  const bool cancelled = p.engine.cancel(job, p.now());
  return p.commit().answer(cancelled);
}

// --- on queues -------------------------------------------------------------------------------------------------------

void broker::undeclare(queue_id queue) {
  auto& p = *parts_;
  p.engine.advance(p.now());
  p.engine.undeclare(queue);
  p.commit_without_receipt();
}

void broker::apply_queue_defaults(queue_id queue) {
  auto& p = *parts_;
  p.engine.advance(p.now());
  p.engine.apply_queue_defaults(queue);
  p.commit_without_receipt();
}

void broker::set_queues_max(std::uint32_t queues_max) { parts_->engine.set_queues_max(queues_max); }

void broker::set_metrics_linger(duration linger) { parts_->engine.set_metrics_linger(linger); }

receipted<std::size_t> broker::kick(queue_id queue, std::size_t bound, engine::engine::kick_from& origin) {
  auto& p = *parts_;
  const auto kicked = p.engine.kick(queue, bound, origin, p.now());
  return p.commit().answer(kicked);
}

receipted<bool> broker::kick_job(job_id job) {
  auto& p = *parts_;
  const bool kicked = p.engine.kick_job(job, p.now());
  return p.commit().answer(kicked);
}

receipted<std::size_t> broker::purge(queue_id queue, engine::job_state state, instant entered_until) {
  auto& p = *parts_;
  const auto erased = p.engine.purge(queue, state, entered_until, p.now());
  return p.commit().answer(erased);
}

receipted<result<>> broker::pause(queue_id queue, duration length) {
  auto& p = *parts_;
  auto paused = p.engine.pause(queue, length, p.now());
  return p.commit().answer(std::move(paused));
}

}  // namespace millrace::broker
