#include <algorithm>
#include <array>
#include <utility>

#include "engine/duel.hpp"

namespace millrace::engine::testing {

namespace {

std::string phrase(session_id session) { return " by " + std::to_string(session.value()); }
std::string phrase(job_id id) { return " job " + std::to_string(id.value()); }
std::string phrase(duration length) { return " for " + std::to_string(length.count()); }

}  // namespace

void duel::run_command() {
  if (!closing_.empty() && one_in(2)) {
    const session_id session = closing_.back();
    closing_.pop_back();
    read_due_bodies();
    note_command("close" + phrase(session));
    const auto end = one_in(2) ? session_end::lost : session_end::returned;
    const bool is_closed = engine_.close_session(session, now_, end);
    compare_answers(is_closed, model_.close_session(session, now_, end));
    if (!is_closed) closing_.push_back(session);
    return;
  }
  // With few jobs most commands are puts and reserves. With too many, commands end jobs.
  if (model_.jobs.size() > 2 * options_.typical_jobs) return run_job_command();
  switch (random_below(20)) {
    case 0:
      return run_queue_command();
    case 1:
    case 2:
      return run_session_command();
    case 3:
    case 4:
      return run_job_command();
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
      return run_holder_command();
    default:
      return run_waiting_command();
  }
}

void duel::run_group_command() {
  const session_id owner = one_in(2) ? pick_session() : session_id{};
  if (!model_.groups.empty() && one_in(2)) {
    const group_id group = pick(model_.groups).id;
    note_command("close group " + std::to_string(group.value()));
    return compare_answers(engine_.close_group(group, now_), model_.close_group(group, now_));
  }
  group_request request{.name = pick_name()};
  // The outcome queue is a declared one, which is never removed: the model cannot know the id of a new queue.
  const auto queue = std::ranges::find(model_.queues, true, &model_queue::declared);
  if (queue != model_.queues.end() && !one_in(4)) request.outcome_queue = queue->name;
  request.ends_with = static_cast<group_end>(random_below(3));
  request.remaining = static_cast<remaining_members>(random_below(2));
  if (one_in(2)) request.durability = durability::relaxed;
  if (!model_.groups.empty() && one_in(4)) request.outer = pick(model_.groups).id;
  note_command("open group for " + request.outcome_queue);
  auto copy = request;
  const auto answer = engine_.open_group(std::move(copy), now_, owner);
  const auto model_answer = model_.open_group(request, owner, now_);
  return compare_answers(answer.has_value() ? std::optional{std::size_t{answer->value()}} : std::nullopt,
                         model_answer ? std::optional{std::size_t{model_answer->value()}} : std::nullopt);
}

void duel::run_queue_command() {
  const std::string name = pick_name();
  switch (random_below(4)) {
    case 0: {
      const auto options = make_queue_options();
      note_command("declare " + name);
      // Most queues stay undeclared, so that they come and go.
      if (!engine_.find(name) && !one_in(10))
        return engine_.set_queue_defaults(options), void(model_.defaults = options);
      const auto queue = engine_.declare(name, options);
      const queue_id new_queue = queue.has_value() ? *queue : queue_id{};
      return compare_answers(queue.has_value(), model_.declare(name, options, new_queue));
    }
    case 1:
      note_command("refuse puts");
      if (!one_in(5'000)) return;
      engine_.refuse_puts();
      model_.draining = true;
      return;
    default: {
      const queue_id queue = pick_queue();
      if (!queue) return;
      const duration length = one_in(3) ? duration{0} : milliseconds{random_below(4'000)};
      note_command("pause " + std::to_string(queue.value()) + phrase(length));
      const bool is_paused = engine_.pause(queue, length, now_).has_value();
      compare_answers(is_paused, model_.pause(queue, length, now_));
    }
  }
}

void duel::run_session_command() {
  const session_id session = pick_free_session();
  const bool may_open = model_.sessions.size() < options_.typical_sessions;
  if (!session || (may_open && one_in(3))) {
    const auto kind = one_in(3) ? session_kind::other_processes : session_kind::plain;
    note_command(kind == session_kind::plain ? "open" : "open for processes");
    return model_.open_session(engine_.open_session(kind), kind);
  }
  const std::string name = pick_name();
  switch (random_below(may_open ? 11 : 8)) {
    case 0: {
      const session_id leaving = pick_session();
      read_due_bodies();
      note_command("close" + phrase(leaving));
      const auto end = one_in(3) ? session_end::returned : session_end::lost;
      const bool is_closed = engine_.close_session(leaving, now_, end);
      compare_answers(is_closed, model_.close_session(leaving, now_, end));
      if (!is_closed) closing_.push_back(leaving);
      return;
    }
    case 1: {
      note_command("ignore " + name + phrase(session));
      const auto answer = engine_.ignore(session, name);
      return compare_answers(answer.has_value() ? std::optional{*answer} : std::nullopt, model_.ignore(session, name));
    }
    case 2:
    case 3: {
      note_command("use " + name + phrase(session));
      const auto used = engine_.use(session, name);
      return compare_answers(used.has_value(), model_.use(session, name, used.has_value() ? *used : queue_id{}));
    }
    default: {
      note_command("watch " + name + phrase(session));
      const auto watched = engine_.watch(session, name);
      const queue_id new_queue = engine_.find(name).value_or(queue_id{});
      return compare_answers(watched.has_value() ? std::optional{*watched} : std::nullopt,
                             model_.watch(session, name, new_queue));
    }
  }
}

void duel::run_waiting_command() {
  if (one_in(6)) {
    const session_id session = pick_session();
    if (!session) return;
    note_command("withdraw" + phrase(session));
    if (one_in(2)) return compare_answers(engine_.withdraw_put(session), model_.withdraw_put(session));
    return compare_answers(engine_.withdraw_reserve(session), model_.withdraw_reserve(session));
  }
  const session_id session = pick_free_session();
  if (!session) return;
  if (one_in(2)) {
    const queue_id queue = one_in(2) && engine_.used(session) ? engine_.used(session) : pick_queue();
    if (!queue) return;
    const auto request = make_put_request();
    note_command("put into " + std::to_string(queue.value()) + phrase(session));
    auto copy = request;
    const auto answer = engine_.put(session, queue, std::move(copy), now_);
    return compare_answers(answer, model_.put(session, queue, request, now_));
  }
  const auto lease_kind = one_in(4) ? lease::unlimited : lease::ttr;
  const instant wait_until = one_in(3) ? now_ : one_in(5) ? never : now_ + milliseconds{random_below(5'000)};
  note_command("reserve" + phrase(session));
  auto answer = engine_.reserve(session, lease_kind, wait_until, now_);
  const auto model_answer = model_.reserve(session, lease_kind, wait_until, now_);
  compare_answers(await_body(session, std::move(answer)), model_answer);
}

void duel::run_holder_command() {
  const session_id session = pick_free_session();
  if (!session) return;
  const job_id job = pick_held_job(session);
  const auto new_priority = static_cast<priority>(1'018 + random_below(12));
  switch (random_below(8)) {
    case 0:
      note_command("touch" + phrase(job) + phrase(session));
      return compare_answers(engine_.touch(session, job, now_), model_.touch(session, job, now_));
    case 1:
      note_command("bury" + phrase(job) + phrase(session));
      return compare_answers(engine_.bury(session, job, new_priority, now_),
                             model_.bury(session, job, new_priority, now_));
    case 2: {
      const duration delay = one_in(2) ? duration{0} : milliseconds{random_below(3'000)};
      note_command("release" + phrase(job) + phrase(session) + phrase(delay));
      return compare_answers(engine_.release(session, job, new_priority, delay, now_),
                             model_.release(session, job, new_priority, delay, now_));
    }
    case 3:
      note_command("withdraw the finish of" + phrase(job) + phrase(session));
      return compare_answers(engine_.withdraw_finish(session, job), model_.withdraw_finish(session, job));
    default: {
      auto request = make_finish_request();
      request.job = job;
      note_command("finish" + phrase(job) + phrase(session) + " as " +
                   std::to_string(static_cast<int>(request.result)) + " with " +
                   std::to_string(request.outputs.size()) + " outputs");
      auto copy = request;
      const auto answer = engine_.finish(session, std::move(copy), now_);
      return compare_answers(answer.status, model_.finish(session, request, now_));
    }
  }
}

void duel::purge() {
  if (model_.queues.empty()) return;
  const queue_id queue = pick_queue();
  const auto state = std::array{job_state::ready, job_state::delayed, job_state::buried}.at(random_below(3));
  const instant entered_until = one_in(2) ? now_ : now_ - milliseconds{random_below(3'000)};
  note_command("purge of " + std::to_string(queue.value()));
  compare_answers(engine_.purge(queue, state, entered_until, now_), model_.purge(queue, state, entered_until, now_));
}

void duel::change_job() {
  const job_id job = pick_job();
  const job_change change{.type = static_cast<job_change::kind>(random_below(6)),
                          .queue = one_in(2) ? pick_name() : std::string{},
                          .keep_counts = one_in(3),
                          .priority = static_cast<priority>(1'018 + random_below(12))};
  if (change.type == job_change::kind::move && change.queue.empty()) return change_job();
  read_due_bodies();
  note_command("change " + std::to_string(static_cast<int>(change.type)) + " of" + phrase(job) + " " + change.queue);
  const auto result = engine_.change_job(job, change, now_);
  // Where a job is redriven to may be decided within the command: it may become a dead letter there.
  const auto find_in_engine = [this](std::string_view name) { return engine_.find(name).value_or(queue_id{}); };
  compare_answers(result, model_.change_job(job, change, find_in_engine, now_));
}

void duel::run_job_command() {
  const session_id session = pick_free_session();
  const job_id job = pick_job();
  if (one_in(30)) return purge();
  if (one_in(8)) return run_group_command();
  if (one_in(5)) return change_job();
  if (one_in(6)) {
    read_due_bodies();
    note_command("cancel" + phrase(job));
    return compare_answers(engine_.cancel(job, now_), model_.cancel(job, now_));
  }
  switch (random_below(8)) {
    case 0:
    case 1:
    case 2:
    case 3:
      note_command("erase" + phrase(job) + phrase(session));
      if (!session) return;
      return compare_answers(engine_.erase(session, job, now_), model_.erase(session, job, now_));
    case 4:
      note_command("kick" + phrase(job));
      return compare_answers(engine_.kick_job(job, now_), model_.kick_job(job, now_));
    case 5: {
      note_command("reserve" + phrase(job) + phrase(session));
      if (!session) return;
      auto answer = engine_.reserve_job(session, job, now_);
      const auto model_answer = model_.reserve_job(session, job, now_);
      return compare_answers(await_body(session, std::move(answer)), model_answer);
    }
    case 6:
      note_command("advance");
      return engine_.advance(now_), model_.advance(now_);
    default: {
      const queue_id queue = pick_queue();
      if (!queue) return;
      const std::size_t bound = one_in(4) ? 5'000 : random_below(4);
      note_command("kick " + std::to_string(bound) + " of " + std::to_string(queue.value()));
      auto engine_origin = engine::kick_from::undecided, model_origin = engine::kick_from::undecided;
      compare_answers(engine_.kick(queue, bound, engine_origin, now_), model_.kick(queue, bound, model_origin, now_));
      return compare_answers(engine_origin == model_origin, true);
    }
  }
}

}  // namespace millrace::engine::testing
