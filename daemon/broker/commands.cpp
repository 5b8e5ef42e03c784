#include "broker/broker.hpp"
#include "broker/broker_parts.hpp"

namespace millrace::broker {

// --- what a holder does with its job ---------------------------------------------------------------------------------

bool broker::release(session_id session, job_id job, engine::priority urgency, duration delay) {
  auto& p = *parts_;
  const bool released = p.engine.release(session, job, urgency, delay, p.now());
  p.follow_up();
  return released;
}

bool broker::bury(session_id session, job_id job, engine::priority urgency) {
  auto& p = *parts_;
  const bool buried = p.engine.bury(session, job, urgency, p.now());
  p.follow_up();
  if (buried && p.put_away) p.put_away();
  return buried;
}

bool broker::touch(session_id session, job_id job) {
  auto& p = *parts_;
  const bool touched = p.engine.touch(session, job, p.now());
  p.follow_up();
  return touched;
}

bool broker::erase(session_id session, job_id job) {
  auto& p = *parts_;
  const bool erased = p.engine.erase(session, job, p.now());
  p.follow_up();
  if (erased && p.put_away) p.put_away();
  return erased;
}

// --- looking after queues --------------------------------------------------------------------------------------------

std::size_t broker::kick(queue_id queue, std::size_t bound, engine::engine::kick_from& from) {
  auto& p = *parts_;
  const auto kicked = p.engine.kick(queue, bound, from, p.now());
  p.follow_up();
  return kicked;
}

bool broker::kick_job(job_id job) {
  auto& p = *parts_;
  const bool kicked = p.engine.kick_job(job, p.now());
  p.follow_up();
  return kicked;
}

result<> broker::pause(queue_id queue, duration length) {
  auto& p = *parts_;
  auto paused = p.engine.pause(queue, length, p.now());
  p.follow_up();
  return paused;
}

}  // namespace millrace::broker
