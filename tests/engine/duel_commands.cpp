#include <algorithm>
#include <array>
#include <utility>

#include "engine/duel.hpp"

namespace millrace::engine::testing {

namespace {

std::string text_of(session_id who) { return " by " + std::to_string(who.value()); }
std::string text_of(job_id which) { return " job " + std::to_string(which.value()); }
std::string text_of(duration length) { return " for " + std::to_string(length.count()); }

}  // namespace

void duel::command() {
  if (!closing_.empty() && one_in(2)) {
    const session_id who = closing_.back();
    closing_.pop_back();
    settle_bodies();
    say("close" + text_of(who));
    const auto end = one_in(2) ? session_end::lost : session_end::returned;
    const bool gone = it_.close_session(who, now_, end);
    expect(gone, model_.close_session(who, now_, end));
    if (!gone) closing_.push_back(who);
    return;
  }
  // Few jobs: mostly puts and reserves; too many: whatever ends them.
  if (model_.jobs.size() > 2 * options_.jobs_about) return job_command();
  switch (any(20)) {
    case 0:
      return queue_command();
    case 1:
    case 2:
      return session_command();
    case 3:
    case 4:
      return job_command();
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
      return holder_command();
    default:
      return waiting_command();
  }
}

void duel::group_command() {
  const session_id owner = one_in(2) ? session(false) : session_id{};
  if (!model_.groups.empty() && one_in(2)) {
    const group_id closed = one_of(model_.groups).id;
    say("close group " + std::to_string(closed.value()));
    return expect(it_.close_group(closed, now_), model_.close_group(closed, now_));
  }
  group_request asked{.name = name()};
  // Declared queues never go: the model cannot know which id the engine gives to a new one.
  const auto declared = [](const model::its_queue& each) { return each.declared; };
  if (const auto into = std::ranges::find_if(model_.queues, declared); into != model_.queues.end() && !one_in(4))
    asked.outcome_queue = into->name;
  asked.ends_with = static_cast<group_end>(any(3));
  asked.remaining = static_cast<remaining_members>(any(2));
  if (one_in(2)) asked.durability = durability::relaxed;
  if (!model_.groups.empty() && one_in(4)) asked.outer = one_of(model_.groups).id;
  say("open group for " + asked.outcome_queue);
  auto copy = asked;
  const auto opened = it_.open_group(std::move(copy), now_, owner);
  const auto known = model_.open_group(asked, owner, now_);
  return expect(opened.has_value() ? std::optional{std::size_t{opened->value()}} : std::nullopt,
                known ? std::optional{std::size_t{known->value()}} : std::nullopt);
}

void duel::queue_command() {
  const std::string which = name();
  switch (any(4)) {
    case 0: {
      const auto some = options();
      say("declare " + which);
      // Most queues stay undeclared, so that they come and go.
      if (!it_.find(which) && !one_in(10)) return it_.set_queue_defaults(some), void(model_.defaults = some);
      const auto done = it_.declare(which, some);
      const queue_id fresh = done.has_value() ? *done : queue_id{};
      return expect(done.has_value(), model_.declare(which, some, fresh));
    }
    case 1:
      say("refuse puts");
      if (!one_in(5'000)) return;
      it_.refuse_puts();
      model_.draining = true;
      return;
    default: {
      const queue_id paused = queue();
      if (!paused) return;
      const duration length = one_in(3) ? duration{0} : milliseconds{any(4'000)};
      say("pause " + std::to_string(paused.value()) + text_of(length));
      const bool done = it_.pause(paused, length, now_).has_value();
      expect(done, model_.pause(paused, length, now_));
    }
  }
}

void duel::session_command() {
  const session_id who = session(true);
  const bool more = model_.sessions.size() < options_.sessions_about;
  if (!who || (more && one_in(3))) {
    const auto kind = one_in(3) ? session_kind::other_processes : session_kind::plain;
    say(kind == session_kind::plain ? "open" : "open for processes");
    return model_.open_session(it_.open_session(kind), kind);
  }
  const std::string which = name();
  switch (any(more ? 11 : 8)) {
    case 0: {
      const session_id gone = session(false);
      settle_bodies();
      say("close" + text_of(gone));
      const auto end = one_in(3) ? session_end::returned : session_end::lost;
      const bool done = it_.close_session(gone, now_, end);
      expect(done, model_.close_session(gone, now_, end));
      if (!done) closing_.push_back(gone);
      return;
    }
    case 1: {
      say("ignore " + which + text_of(who));
      const auto left = it_.ignore(who, which);
      return expect(left.has_value() ? std::optional{*left} : std::nullopt, model_.ignore(who, which));
    }
    case 2:
    case 3: {
      say("use " + which + text_of(who));
      const auto used = it_.use(who, which);
      return expect(used.has_value(), model_.use(who, which, used.has_value() ? *used : queue_id{}));
    }
    default: {
      say("watch " + which + text_of(who));
      const auto watched = it_.watch(who, which);
      const queue_id fresh = it_.find(which).value_or(queue_id{});
      return expect(watched.has_value() ? std::optional{*watched} : std::nullopt, model_.watch(who, which, fresh));
    }
  }
}

void duel::waiting_command() {
  if (one_in(6)) {
    const session_id who = session(false);
    if (!who) return;
    say("withdraw" + text_of(who));
    if (one_in(2)) return expect(it_.withdraw_put(who), model_.withdraw_put(who));
    return expect(it_.withdraw_reserve(who), model_.withdraw_reserve(who));
  }
  const session_id who = session(true);
  if (!who) return;
  if (one_in(2)) {
    const queue_id into = one_in(2) && it_.used(who) ? it_.used(who) : queue();
    if (!into) return;
    const auto what = request();
    say("put into " + std::to_string(into.value()) + text_of(who));
    auto copy = what;
    const auto answer = it_.put(who, into, std::move(copy), now_);
    return expect(answer, model_.put(who, into, what, now_));
  }
  const auto how = one_in(4) ? lease::unlimited : lease::ttr;
  const instant until = one_in(3) ? now_ : one_in(5) ? never : now_ + milliseconds{any(5'000)};
  say("reserve" + text_of(who));
  auto answer = it_.reserve(who, how, until, now_);
  const auto known = model_.reserve(who, how, until, now_);
  expect(with_body(who, std::move(answer)), known);
}

void duel::holder_command() {
  const session_id who = session(true);
  if (!who) return;
  const job_id which = held_job(who);
  const auto urgency = static_cast<priority>(1'018 + any(12));
  switch (any(8)) {
    case 0:
      say("touch" + text_of(which) + text_of(who));
      return expect(it_.touch(who, which, now_), model_.touch(who, which, now_));
    case 1:
      say("bury" + text_of(which) + text_of(who));
      return expect(it_.bury(who, which, urgency, now_), model_.bury(who, which, urgency, now_));
    case 2: {
      const duration delay = one_in(2) ? duration{0} : milliseconds{any(3'000)};
      say("release" + text_of(which) + text_of(who) + text_of(delay));
      return expect(it_.release(who, which, urgency, delay, now_), model_.release(who, which, urgency, delay, now_));
    }
    case 3:
      say("withdraw the finish of" + text_of(which) + text_of(who));
      return expect(it_.withdraw_finish(who, which), model_.withdraw_finish(who, which));
    default: {
      auto what = finish();
      what.job = which;
      say("finish" + text_of(which) + text_of(who) + " as " + std::to_string(static_cast<int>(what.result)) + " with " +
          std::to_string(what.outputs.size()) + " outputs");
      auto copy = what;
      const auto answer = it_.finish(who, std::move(copy), now_);
      return expect(answer.status, model_.finish(who, what, now_));
    }
  }
}

void duel::purge() {
  if (model_.queues.empty()) return;
  const queue_id purged = queue();
  const auto state = std::array{job_state::ready, job_state::delayed, job_state::buried}.at(any(3));
  const instant until = one_in(2) ? now_ : now_ - milliseconds{any(3'000)};
  say("purge of " + std::to_string(purged.value()));
  expect(it_.purge(purged, state, until, now_), model_.purge(purged, state, until, now_));
}

void duel::change_job() {
  const job_id which = job();
  const job_change wanted{.type = static_cast<job_change::kind>(any(6)),
                          .queue = one_in(2) ? name() : std::string{},
                          .keep_counts = one_in(3),
                          .priority = static_cast<priority>(1'018 + any(12))};
  if (wanted.type == job_change::kind::move && wanted.queue.empty()) return change_job();
  settle_bodies();
  say("change " + std::to_string(static_cast<int>(wanted.type)) + " of" + text_of(which) + " " + wanted.queue);
  const auto facts = it_.look(which);
  const auto into = wanted.queue.empty() && facts ? facts->details.origin : wanted.queue;
  const auto result = it_.change_job(which, wanted, now_);
  expect(result, model_.change_job(which, wanted, it_.find(into).value_or(queue_id{}), now_));
}

void duel::job_command() {
  const session_id who = session(true);
  const job_id which = job();
  if (one_in(30)) return purge();
  if (one_in(8)) return group_command();
  if (one_in(5)) return change_job();
  if (one_in(6)) {
    settle_bodies();
    say("cancel" + text_of(which));
    return expect(it_.cancel(which, now_), model_.cancel(which, now_));
  }
  switch (any(8)) {
    case 0:
    case 1:
    case 2:
    case 3:
      say("erase" + text_of(which) + text_of(who));
      if (!who) return;
      return expect(it_.erase(who, which, now_), model_.erase(who, which, now_));
    case 4:
      say("kick" + text_of(which));
      return expect(it_.kick_job(which, now_), model_.kick_job(which, now_));
    case 5: {
      say("reserve" + text_of(which) + text_of(who));
      if (!who) return;
      auto answer = it_.reserve_job(who, which, now_);
      const auto known = model_.reserve_job(who, which, now_);
      return expect(with_body(who, std::move(answer)), known);
    }
    case 6:
      say("advance");
      return it_.advance(now_), model_.advance(now_);
    default: {
      const queue_id kicked = queue();
      if (!kicked) return;
      const std::size_t bound = one_in(4) ? 5'000 : any(4);
      say("kick " + std::to_string(bound) + " of " + std::to_string(kicked.value()));
      auto from = engine::kick_from::undecided, other = engine::kick_from::undecided;
      expect(it_.kick(kicked, bound, from, now_), model_.kick(kicked, bound, other, now_));
      return expect(from == other, true);
    }
  }
}

}  // namespace millrace::engine::testing
