// More of one kind than a turn of the engine moves, so that what is left over is met by other commands.
#include "engine/duel.hpp"

namespace millrace::engine::testing {

namespace {

constexpr std::size_t many = moves_per_turn_max + 150;

}  // namespace

/// All due at one moment, or all ready.
void duel::put_many(queue_id into) {
  const session_id who = session(true);
  say("many puts");
  if (!who || !into) return;
  const duration delay = one_in(3) ? duration{0} : seconds{1};
  for (std::size_t n = 0; n < many; ++n) {
    auto request = this->request();
    request.delay = delay;
    auto copy = request;
    const auto answer = it_.put(who, into, std::move(copy), now_);
    expect(answer, model_.put(who, into, request, now_));
    if (answer.status == put_status::waiting) return;
  }
}

void duel::take_many() {
  const session_id who = session(true);
  say("many reserves");
  if (!who) return;
  for (std::size_t n = 0; n < many; ++n) {
    const auto answer = it_.reserve(who, lease::ttr, now_, now_);
    expect(answer, model_.reserve(who, lease::ttr, now_, now_));
    if (answer.status != reserve_status::reserved) return;
  }
}

void duel::bury_many() {
  const session_id who = session(true);
  say("many buries");
  if (!who) return;
  const auto jobs = model_.jobs;
  for (const auto& each : jobs) {
    if (each.holder == who) expect(it_.bury(who, each.id, 7, now_), model_.bury(who, each.id, 7, now_));
  }
}

/// Everybody waits for a paused queue, jobs pile up in it, and the pause ends; some go on waiting when all is over.
void duel::wait_in_a_crowd() {
  const queue_id which = queue();
  const std::string its_name{it_.name_of(which)};
  say("a crowd waits for " + its_name);
  const bool is_there = it_.pause(which, seconds{5}, now_).has_value();
  expect(is_there, model_.pause(which, seconds{5}, now_));
  if (!is_there) return;
  std::vector<session_id> crowd;
  for (std::size_t n = 0; n < many; ++n) {
    crowd.push_back(it_.open_session());
    model_.open_session(crowd.back(), session_kind::plain);
    const auto watched = it_.watch(crowd.back(), its_name);
    expect(std::optional{watched.value()}, model_.watch(crowd.back(), its_name, which));
    const auto answer = it_.reserve(crowd.back(), lease::unlimited, now_ + seconds{20}, now_);
    expect(answer, model_.reserve(crowd.back(), lease::unlimited, now_ + seconds{20}, now_));
  }
  put_many(which);
  if (one_in(2)) {
    now_ += seconds{5};
    it_.advance(now_);
    model_.advance(now_);
  } else {
    const bool ended = it_.pause(which, duration{0}, now_).has_value();
    expect(ended, model_.pause(which, duration{0}, now_));
  }
  compare_told();
  if (difference_.empty()) difference_ = difference(it_, model_);
  for (const session_id who : crowd) {
    const bool gone = it_.close_session(who, now_);
    expect(gone, model_.close_session(who, now_));
    if (!gone) closing_.push_back(who);
  }
}

}  // namespace millrace::engine::testing
