// Storms: more commands of one kind than the engine can finish in one turn. Other commands meet the rest.
#include "engine/duel.hpp"

namespace millrace::engine::testing {

namespace {

constexpr std::size_t many = moves_per_turn_max + 150;

}  // namespace

/// All jobs are due at one moment, or ready at once.
void duel::put_many(queue_id queue) {
  const session_id session = pick_free_session();
  note_command("many puts");
  if (!session || !queue) return;
  const duration delay = one_in(3) ? duration{0} : seconds{1};
  for (std::size_t n = 0; n < many; ++n) {
    auto request = make_put_request();
    request.delay = delay;
    auto copy = request;
    const auto answer = engine_.put(session, queue, std::move(copy), now_);
    compare_answers(answer, model_.put(session, queue, request, now_));
    if (answer.status == put_status::waiting) return;
  }
}

void duel::reserve_many() {
  const session_id session = pick_free_session();
  note_command("many reserves");
  if (!session) return;
  for (std::size_t n = 0; n < many; ++n) {
    const auto answer = engine_.reserve(session, lease::ttr, now_, now_);
    compare_answers(answer, model_.reserve(session, lease::ttr, now_, now_));
    if (answer.status != reserve_status::reserved) return;
  }
}

void duel::bury_many() {
  const session_id session = pick_free_session();
  note_command("many buries");
  if (!session) return;
  const auto jobs = model_.jobs;
  for (const auto& job : jobs) {
    if (job.holder == session)
      compare_answers(engine_.bury(session, job.id, 7, now_), model_.bury(session, job.id, 7, now_));
  }
}

/// Many sessions wait for a paused queue, jobs pile up in it, and the pause ends. Some sessions go on waiting.
void duel::make_crowd_wait() {
  const queue_id queue = pick_queue();
  const std::string name{engine_.name_of(queue)};
  note_command("a crowd waits for " + name);
  const bool is_paused = engine_.pause(queue, seconds{5}, now_).has_value();
  compare_answers(is_paused, model_.pause(queue, seconds{5}, now_));
  if (!is_paused) return;
  std::vector<session_id> crowd;
  for (std::size_t n = 0; n < many; ++n) {
    crowd.push_back(engine_.open_session());
    model_.open_session(crowd.back(), session_kind::plain);
    const auto watched = engine_.watch(crowd.back(), name);
    compare_answers(std::optional{watched.value()}, model_.watch(crowd.back(), name, queue));
    const auto answer = engine_.reserve(crowd.back(), lease::unlimited, now_ + seconds{20}, now_);
    compare_answers(answer, model_.reserve(crowd.back(), lease::unlimited, now_ + seconds{20}, now_));
  }
  put_many(queue);
  if (one_in(2)) {
    now_ += seconds{5};
    engine_.advance(now_);
    model_.advance(now_);
  } else {
    const bool ended = engine_.pause(queue, duration{0}, now_).has_value();
    compare_answers(ended, model_.pause(queue, duration{0}, now_));
  }
  compare_events_and_changes();
  if (difference_.empty()) difference_ = difference(engine_, model_);
  for (const session_id session : crowd) {
    const bool is_closed = engine_.close_session(session, now_);
    compare_answers(is_closed, model_.close_session(session, now_));
    if (!is_closed) closing_.push_back(session);
  }
}

}  // namespace millrace::engine::testing
