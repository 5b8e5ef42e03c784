#include "broker/broker.hpp"

#include <algorithm>
#include <utility>

#include <millrace/loop/deadline.hpp>

#include "broker/broker_parts.hpp"

namespace millrace::broker {

namespace {

engine::reserve_answer as_answer(engine::event&& event) {
  switch (event.type) {
    case engine::event::kind::granted:
      return {engine::reserve_status::reserved, std::move(event.job)};
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
  parts_->commit_without_receipt();
  return queue;
}

void broker::trace_jobs() { parts_->trace.begin(); }

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

bool broker::end_restore(std::uint64_t mark, std::size_t jobs_max) {
  auto& p = *parts_;
  if (!p.engine.end_restoring(jobs_max)) return false;
  p.restoring = false;
  p.engine.restore_ids(mark);
  p.disk_bodies.follow_up();
  p.commits.begin_ids_above(std::max(mark, p.engine.last_id().value()));
  p.timer.set(p.engine.next_deadline());
  return true;
}

session_id broker::open_session(engine::session_kind kind) { return parts_->engine.open_session(kind); }

result<std::size_t> broker::watch(session_id session, std::string_view queue) {
  auto& p = *parts_;
  p.engine.advance(p.now());
  auto watched = p.engine.watch(session, queue);
  p.commit_without_receipt();
  return watched;
}

result<queue_id> broker::use(session_id session, std::string_view queue) {
  auto& p = *parts_;
  p.engine.advance(p.now());
  auto used = p.engine.use(session, queue);
  p.commit_without_receipt();
  return used;
}

result<std::size_t> broker::ignore(session_id session, std::string_view queue) {
  auto& p = *parts_;
  p.engine.advance(p.now());
  auto left = p.engine.ignore(session, queue);
  p.commit_without_receipt();
  return left;
}

bool broker::try_close_session(session_id session, engine::session_end end) {
  auto& p = *parts_;
  p.on_cancelled.erase(session);
  p.steps.on_withdrawn(session);
  auto wait = p.pending.withdraw(session);
  p.disk_bodies.end_peek(session);
  p.wait_times.end(wait, p.loop.now());
  const bool closed = p.engine.close_session(session, p.now(), end);
  p.commit_without_receipt();
  return closed;
}

loop::awaitable<> broker::close_session(session_id session, engine::session_end end) {
  while (!try_close_session(session, end)) co_await loop::yield(parts_->loop);
}

void broker::set_on_cancelled(session_id session, std::function<void(job_id)> on_cancelled) {
  parts_->on_cancelled.insert_or_assign(session, std::move(on_cancelled));
}

// --- producing -------------------------------------------------------------------------------------------------------

receipted<engine::put_answer> broker::try_put(session_id session, queue_id queue, engine::put_request&& job,
                                              const source_step* step) {
  auto& p = *parts_;
  if (p.cannot_be_stored(queue, job.content.size())) {
    if (step != nullptr) p.add_step(session, queue, *step, engine::put_status::refused);
    const auto refused = p.engine.refuse_put(queue, engine::reason::too_large);
    return p.commit().answer(refused);
  }
  if (p.short_of_space(queue, job.content.size())) {
    return commit_tracker::nothing().answer(
        engine::put_answer{engine::put_status::no_space, {}, engine::reason::no_space});
  }
  return p.run_put(session, queue, std::move(job), step, nullptr);
}

receipted<engine::put_answer> broker::put(session_id session, queue_id queue, engine::put_request&& job,
                                          decision_taker& taker) {
  auto& p = *parts_;
  if (p.cannot_be_stored(queue, job.content.size()))
    return commit_tracker::nothing().answer(p.engine.refuse_put(queue, engine::reason::too_large));
  if (p.short_of_space(queue, job.content.size()))
    return commit_tracker::nothing().answer(p.engine.refuse_put(queue, engine::reason::no_space));
  return p.run_put(session, queue, std::move(job), nullptr, &taker);
}

receipted<engine::put_answer> broker::parts::run_put(session_id session, queue_id queue, engine::put_request&& job,
                                                     const source_step* step, decision_taker* taker) {
  const auto time = now();
  const auto answer = engine.put(session, queue, std::move(job), time);
  note_if_out_of_ids(answer);
  if (step != nullptr) add_step(session, queue, *step, answer.status);
  if (answer.status == engine::put_status::waiting)
    pending.expect(session, wait_times.begin_if_waiting(answer, time), taker);
  return commit().answer(answer);
}

bool broker::is_on_disk(queue_id queue) const {
  return parts_->commits.is_persistent() && parts_->engine.options_of(queue).durability != engine::durability::memory;
}

const engine::source_name* broker::name_source(std::string_view producer, std::string_view kind) {
  return parts_->store.name_source(producer, kind);
}

std::optional<store::kept_position> broker::position_of(std::string_view producer) const {
  return parts_->store.position_of(producer);
}

bool broker::short_of_space(queue_id queue, std::uint64_t put_bytes) const {
  return parts_->short_of_space(queue, put_bytes);
}

loop::awaitable<receipted<job_id>> broker::put_admitted(session_id session) {
  const auto decision = co_await parts_->decision_of(session, parts::wait_for::capacity_for_put, {});
  co_return decision.answer_with_receipt(decision.event.id);
}

// --- consuming -------------------------------------------------------------------------------------------------------

receipted<engine::reserve_answer> broker::try_reserve(session_id session, engine::lease lease) {
  auto& p = *parts_;
  const auto now = p.now();
  auto answer = p.engine.reserve(session, lease, now, now);
  if (answer.status == engine::reserve_status::waiting) p.pending.expect(session);
  return p.commit().answer_with_ids(std::move(answer));
}

loop::awaitable<receipted<engine::reserve_answer>> broker::reserve(session_id session, engine::lease lease,
                                                                   instant until) {
  auto& p = *parts_;
  auto answer = p.engine.reserve(session, lease, until, p.now());
  const bool waits = answer.status == engine::reserve_status::waiting;
  if (waits) p.pending.expect(session);
  auto with_receipt = p.commit().answer_with_ids(std::move(answer));
  if (!waits) co_return with_receipt;
  co_return co_await granted(session);
}

loop::awaitable<receipted<engine::reserve_answer>> broker::granted(session_id session) {
  auto decision = co_await parts_->decision_of(session, parts::wait_for::job, {});
  auto answer = as_answer(std::move(decision.event));
  co_return decision.answer_with_receipt(std::move(answer));
}

receipted<engine::reserve_answer> broker::reserve(session_id session, engine::lease lease, instant until,
                                                  decision_taker& taker) {
  auto& p = *parts_;
  auto answer = p.engine.reserve(session, lease, until, p.now());
  if (answer.status == engine::reserve_status::waiting) p.pending.expect(session, std::nullopt, &taker);
  return p.commit().answer_with_ids(std::move(answer));
}

receipted<engine::reserve_answer> broker::reserve_job(session_id session, job_id job, decision_taker& taker) {
  auto& p = *parts_;
  auto answer = p.engine.reserve_job(session, job, p.now());
  if (answer.status == engine::reserve_status::waiting) p.pending.expect(session, std::nullopt, &taker);
  return p.commit().answer_with_ids(std::move(answer));
}

receipted<peek_answer> broker::peek(session_id session, job_id job, decision_taker& taker) {
  return parts_->peek(session, parts_->engine.look(job), taker);
}

receipted<peek_answer> broker::peek_ready(session_id session, queue_id queue, decision_taker& taker) {
  return parts_->peek(session, parts_->engine.first_ready(queue), taker);
}

receipted<peek_answer> broker::peek_delayed(session_id session, queue_id queue, decision_taker& taker) {
  return parts_->peek(session, parts_->engine.first_delayed(queue), taker);
}

receipted<peek_answer> broker::peek_buried(session_id session, queue_id queue, decision_taker& taker) {
  return parts_->peek(session, parts_->engine.first_buried(queue), taker);
}

receipted<std::optional<engine::job_facts>> broker::look(job_id job) {
  return parts_->commits.known_ids(parts_->engine.last_id()).answer_with_ids(parts_->engine.look(job));
}

void broker::withdraw(session_id session) {
  auto& p = *parts_;
  p.engine.withdraw_reserve(session);
  p.engine.withdraw_put(session);
  p.give_up(session);
}

loop::awaitable<decision> broker::parts::decision_of(session_id session, wait_for awaited, job_id job) {
  static constexpr std::string_view names[] = {"queue capacity", "job", "output queue capacity"};
  try {
    co_await pending.wait(session, names[static_cast<std::size_t>(awaited)]);
  } catch (...) {
    // A decision made before the cancellation belongs to the session.
    if (!pending.has_decision(session)) {
      switch (awaited) {
        case wait_for::capacity_for_put:
          engine.withdraw_put(session);
          break;
        case wait_for::job:
          engine.withdraw_reserve(session);
          break;
        case wait_for::capacity_for_output:
          engine.withdraw_finish(session, job);
          break;
      }
      give_up(session);
      throw;
    }
  }
  co_return pending.take(session);
}

// --- durability, stopping, looking -----------------------------------------------------------------------------------

bool broker::is_durable(const receipt& receipt) const { return parts_->commits.is_durable(receipt.batch); }

loop::awaitable<> broker::until_durable(receipt receipt) { return parts_->commits.until_durable(receipt.batch); }

loop::awaitable<> broker::until_all_durable() {
  return parts_->commits.until_durable(parts_->commits.newest_awaited());
}

loop::awaitable<> broker::until_more_durable() { return parts_->commits.until_more_durable(); }

subscription broker::subscribe_durable(std::function<void()> on_durable) {
  return parts_->commits.subscribe_durable(std::move(on_durable));
}

bool broker::store_has_failed() const { return parts_->store.has_failed(); }

std::string broker::store_failure() const { return parts_->store.failure(); }

std::uint64_t broker::backlog_left() const { return parts_->store.backlog_left(); }

bool broker::store_lags() const { return parts_->store.lagging(); }

std::uint64_t broker::acknowledged_not_durable() const { return parts_->commits.acknowledged_not_durable(); }

subscription broker::subscribe_job_left(std::function<void()> on_job_left) {
  return parts_->job_left.add(std::move(on_job_left));
}

void broker::refuse_puts() {
  parts_->engine.refuse_puts();
  parts_->commit_without_receipt();
}

const engine::engine& broker::engine() const noexcept { return parts_->engine; }

const loop::backpressure& broker::held_puts() const noexcept { return parts_->wait_times.puts(); }

const loop::backpressure& broker::held_outputs() const noexcept { return parts_->wait_times.outputs(); }

void broker::close() { parts_->timer.close(); }

}  // namespace millrace::broker
