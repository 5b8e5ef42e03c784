#include "broker/broker.hpp"

#include <algorithm>
#include <utility>

#include <millrace/loop/deadline.hpp>

#include "broker/broker_parts.hpp"

namespace millrace::broker {

namespace {

engine::reserve_answer as_answer(engine::event&& decided) {
  switch (decided.what) {
    case engine::event::kind::granted:
      return {engine::reserve_status::reserved, std::move(decided.job)};
    case engine::event::kind::deadline_soon:
      return {engine::reserve_status::deadline_soon, {}};
    default:
      return {engine::reserve_status::timed_out, {}};
  }
}

}  // namespace

broker::broker(loop::event_loop& loop, store::store& store, engine::engine_options limits)
    : parts_{std::make_unique<parts>(loop, store, limits)} {}

broker::~broker() = default;

// --- setting up ------------------------------------------------------------------------------------------------------

result<queue_id> broker::declare(std::string_view name, const engine::queue_options& options) {
  parts_->engine.advance(parts_->now());
  auto queue = parts_->engine.declare(name, options);
  parts_->follow_up();
  return queue;
}

void broker::set_queue_defaults(const engine::queue_options& options) {
  parts_->queue_defaults = options;
  parts_->engine.set_queue_defaults(options);
}

std::optional<queue_id> broker::find(std::string_view name) const { return parts_->engine.find(name); }

result<queue_id> broker::find_or_declare(std::string_view name) {
  if (const auto found = find(name)) return *found;
  return declare(name, parts_->queue_defaults);
}

engine::engine& broker::begin_restore() {
  parts_->restoring = true;
  return parts_->engine;
}

void broker::end_restore(std::uint64_t mark) {
  auto& p = *parts_;
  p.restoring = false;
  p.engine.restore_ids(mark);
  p.engine.end_restoring();
  p.ids.begin_above(std::max(mark, p.engine.last_id().value()));
  p.bell.set(p.engine.next_deadline());
}

session_id broker::open_session() { return parts_->engine.open_session(); }

result<std::size_t> broker::watch(session_id session, std::string_view queue) {
  auto& p = *parts_;
  p.engine.advance(p.now());
  auto watched = p.engine.watch(session, queue);
  p.follow_up();
  return watched;
}

result<queue_id> broker::use(session_id session, std::string_view queue) {
  auto& p = *parts_;
  p.engine.advance(p.now());
  auto used = p.engine.use(session, queue);
  p.follow_up();
  return used;
}

result<std::size_t> broker::ignore(session_id session, std::string_view queue) {
  auto& p = *parts_;
  auto left = p.engine.ignore(session, queue);
  p.follow_up();
  return left;
}

bool broker::try_close_session(session_id session) {
  auto& p = *parts_;
  p.steps.withdrawn(session);
  auto stay = p.parties.withdraw(session);
  p.from_disk.look_no_more(session);
  p.gate.end(stay, p.loop.now());
  const bool closed = p.engine.close_session(session, p.now());
  p.follow_up();
  return closed;
}

loop::awaitable<> broker::close_session(session_id session) {
  while (!try_close_session(session)) co_await loop::yield(parts_->loop);
}

// --- producing -------------------------------------------------------------------------------------------------------

engine::put_answer broker::try_put(session_id session, queue_id queue, engine::put_request&& job,
                                   const source_step* step) {
  auto& p = *parts_;
  if (p.cannot_be_kept(queue, job.content)) {
    if (step != nullptr) p.steps.add(session, queue, *step, engine::put_status::refused);
    p.follow_up();
    return p.refused_for_space();
  }
  if (p.no_room_on_disk(queue)) {
    p.last_batch = 0;
    return {engine::put_status::no_space, {}};
  }
  const auto now = p.now();
  const auto answer = p.engine.put(session, queue, std::move(job), now);
  p.note_if_out_of_ids(answer);
  if (step != nullptr) p.steps.add(session, queue, *step, answer.status);
  if (answer.status == engine::put_status::waiting) p.parties.expect(session, p.gate.after(answer, now));
  p.follow_up();
  return answer;
}

engine::put_answer broker::put(session_id session, queue_id queue, engine::put_request&& job, decision_taker& by) {
  auto& p = *parts_;
  if (p.cannot_be_kept(queue, job.content) || p.no_room_on_disk(queue)) return p.refused_for_space();
  const auto now = p.now();
  const auto answer = p.engine.put(session, queue, std::move(job), now);
  p.note_if_out_of_ids(answer);
  if (answer.status == engine::put_status::waiting) p.parties.expect(session, p.gate.after(answer, now), by);
  p.follow_up();
  return answer;
}

bool broker::keeps(queue_id queue) const {
  return parts_->held.remembers() && parts_->engine.options_of(queue).safety != engine::durability::memory;
}

const engine::source_name* broker::name_source(std::string_view producer, std::string_view kind) {
  return parts_->kept_in.name_source(producer, kind);
}

std::optional<store::kept_position> broker::position_of(std::string_view producer) const {
  return parts_->kept_in.position_of(producer);
}

bool broker::short_of_space(queue_id queue) const { return parts_->no_room_on_disk(queue); }

loop::awaitable<job_id> broker::put_admitted(session_id session) {
  auto& p = *parts_;
  try {
    co_await p.parties.wait(session, "room in queue");
  } catch (...) {
    if (!p.parties.has_decision(session)) {
      p.engine.withdraw_put(session);
      p.give_up(session);
      throw;
    }
  }
  co_return p.parties.take(session).id;
}

// --- consuming -------------------------------------------------------------------------------------------------------

engine::reserve_answer broker::try_reserve(session_id session, engine::lease how) {
  auto& p = *parts_;
  const auto now = p.now();
  auto answer = p.engine.reserve(session, how, now, now);
  if (answer.status == engine::reserve_status::waiting) p.parties.expect(session);
  p.follow_up();
  return answer;
}

loop::awaitable<engine::reserve_answer> broker::reserve(session_id session, engine::lease how, instant until) {
  auto& p = *parts_;
  auto answer = p.engine.reserve(session, how, until, p.now());
  if (answer.status == engine::reserve_status::waiting) p.parties.expect(session);
  p.follow_up();
  if (answer.status != engine::reserve_status::waiting) co_return answer;
  co_return co_await granted(session);
}

loop::awaitable<engine::reserve_answer> broker::granted(session_id session) {
  auto& p = *parts_;
  try {
    co_await p.parties.wait(session, "job");
  } catch (...) {
    if (!p.parties.has_decision(session)) {
      p.engine.withdraw_reserve(session);
      p.give_up(session);
      throw;
    }
  }
  co_return as_answer(p.parties.take(session));
}

engine::reserve_answer broker::reserve(session_id session, engine::lease how, instant until, decision_taker& by) {
  auto& p = *parts_;
  auto answer = p.engine.reserve(session, how, until, p.now());
  if (answer.status == engine::reserve_status::waiting) p.parties.expect(session, std::nullopt, by);
  p.follow_up();
  return answer;
}

engine::reserve_answer broker::reserve_job(session_id session, job_id job, decision_taker& by) {
  auto& p = *parts_;
  auto answer = p.engine.reserve_job(session, job, p.now());
  if (answer.status == engine::reserve_status::waiting) p.parties.expect(session, std::nullopt, by);
  p.follow_up();
  return answer;
}

void broker::show(session_id session, job_id job, decision_taker& by) {
  auto& p = *parts_;
  p.parties.expect(session, std::nullopt, by);
  p.from_disk.look(session, job);
}

void broker::withdraw(session_id session) {
  auto& p = *parts_;
  p.engine.withdraw_reserve(session);
  const bool stood = p.engine.withdraw_put(session);
  p.give_up(session);
  if (stood && p.put_away) p.put_away();
}

engine::finish_status broker::try_finish(session_id session, engine::finish_request&& what) {
  auto& p = *parts_;
  const auto is_too_large = [&p](const engine::output& one) { return p.cannot_be_kept(one.queue, one.job.content); };
  if (what.result == engine::outcome::ok && std::ranges::any_of(what.outputs, is_too_large)) {
    what.result = engine::outcome::failed;
    what.error_text = "an output is larger than a job on disk can be";
  }
  const auto now = p.now();
  const auto answer = p.engine.finish(session, std::move(what), now);
  if (answer == engine::finish_status::waiting) p.parties.expect(session, p.gate.after(answer, now));
  p.follow_up();
  return answer;
}

loop::awaitable<engine::finish_status> broker::finished(session_id session, job_id job) {
  auto& p = *parts_;
  try {
    co_await p.parties.wait(session, "room in output queue");
  } catch (...) {
    if (!p.parties.has_decision(session)) {
      p.engine.withdraw_finish(session, job);
      p.give_up(session);
      throw;
    }
  }
  co_return p.parties.take(session).finish;
}

// --- being safe, stopping, looking -----------------------------------------------------------------------------------

store::batch_id broker::newest_batch() const noexcept { return std::max(parts_->held.newest(), parts_->ids.newest()); }

store::batch_id broker::batch_of_last_command() const noexcept { return parts_->last_batch; }

store::batch_id broker::batch_of_ids() const noexcept {
  return parts_->ids.batch_of_known(parts_->engine.last_id().value());
}

bool broker::is_safe(store::batch_id batch) const { return parts_->held.is_safe(batch); }

store::batch_id broker::batch_of_last_changes() const noexcept { return parts_->last_changes; }

std::uint64_t broker::backlog_room() const { return parts_->kept_in.backlog_room(); }

loop::awaitable<> broker::until_more_is_safe() { return parts_->held.until_more_is_safe(); }

bool broker::store_lags() const { return parts_->kept_in.lagging(); }

std::uint64_t broker::acknowledged_unsafe() const { return parts_->held.acknowledged_unsafe(); }

void broker::when_safe(std::function<void()> moved) { parts_->more_is_safe = std::move(moved); }

std::string broker::store_failure() const { return parts_->kept_in.failure(); }

loop::awaitable<> broker::until_safe(store::batch_id batch) { return parts_->held.until_safe(batch); }

void broker::when_put_away(std::function<void()> told) { parts_->put_away = std::move(told); }

void broker::refuse_puts() {
  parts_->engine.refuse_puts();
  parts_->follow_up();
}

const engine::engine& broker::looking() const noexcept { return parts_->engine; }

const loop::backpressure& broker::held_puts() const noexcept { return parts_->gate.puts(); }

const loop::backpressure& broker::held_outputs() const noexcept { return parts_->gate.outputs(); }

void broker::close() { parts_->bell.close(); }

}  // namespace millrace::broker
