#include "workload/consumer.hpp"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <cassert>
#include <exception>
#include <utility>

#include <millrace/base/quantity.hpp>
#include <millrace/loop/deadline.hpp>

#include "base/log.hpp"
#include "base/restart_pause.hpp"
#include "loop/loop_core.hpp"
#include "loop/thrown.hpp"
#include "loop/trace_recorder.hpp"
#include "workload/job_name.hpp"

namespace millrace::workload {

consumer::consumer(environment env, std::vector<queue_id> queues, steps attempts, settlement::destinations destinations,
                   consumer_counts& counts)
    : environment_{std::move(env)},
      queues_{std::move(queues)},
      attempts_{std::move(attempts)},
      settlement_{environment_.loop, environment_.broker, std::move(destinations), counts},
      counts_{counts},
      stuck_check_{environment_.loop, [this] { replace_stuck_slots(); }} {}

void consumer::start(loop::task_scope& scope) {
  const auto one_is_enough = attempts_.quick() || environment_.in_sequence != nullptr;
  const auto wanted = one_is_enough ? 1u : counts_.concurrency;
  scope_ = &scope;
  while (slots_.size() < wanted) add_slot();
}

void consumer::add_slot() {
  auto& consumer_slot = *slots_.emplace_back(std::make_unique<slot>());
  consumer_slot.name = counts_.name + '#' + std::to_string(++slots_made_);
  open_session(consumer_slot);
  if (environment_.in_sequence != nullptr) {
    consumer_slot.sequence_member =
        &environment_.in_sequence->join(consumer_slot.session, session_kind(), queues_,
                                        [this, &consumer_slot](job_id job) { cancel_attempt(consumer_slot, job); });
  }
  ++running_;
  consumer_slot.task = scope_->spawn(consumer_slot.name, run(consumer_slot));
}

void consumer::stop_taking() {
  closing_ = true;
  for (const auto& one : slots_) {
    if (one->waits) environment_.loop.cancel(one->task);
  }
}

loop::awaitable<> consumer::run(slot& consumer_slot) {
  const running_mark mark{*this, consumer_slot};
  restart_pause pause;
  while (true) {
    const auto began = environment_.loop.now();
    std::exception_ptr failure;
    try {
      if (!consumer_slot.session) open_session(consumer_slot);
      if (consumer_slot.sequence_member != nullptr) {
        environment_.in_sequence->attach(*consumer_slot.sequence_member, consumer_slot.session);
        co_await serve_in_sequence(consumer_slot);
      } else {
        co_await serve(consumer_slot);
      }
    } catch (...) {
      failure = std::current_exception();
    }
    if (consumer_slot.stuck) {
      log::info("consumer_slot_stuck_ended", "a handler that did not end after its cancellation has ended",
                {{"consumer", counts_.name}, {"slot", consumer_slot.name}});
      close_session(consumer_slot, engine::session_end::returned);
      break;
    }
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    const bool cancelled = state.cancelled() != boost::asio::cancellation_type::none;
    // A slot that fails interrupts its job. A drain does not: it gives the job back.
    const bool is_lost = failure && !closing_ && !(cancelled && loop::is_cancellation(failure));
    close_session(consumer_slot, is_lost ? engine::session_end::lost : engine::session_end::returned);
    if (!failure || (cancelled && loop::is_cancellation(failure))) break;
    if (closing_ || cancelled) std::rethrow_exception(failure);  // the drain goes on without this slot

    const auto length = pause.after_run_of(environment_.loop.now() - began);
    counts_.slot_restarts.add();
    log::error("consumer_slot_failed", "a slot of the consumer ended with an exception and starts again",
               {{"consumer", counts_.name},
                {"slot", consumer_slot.name},
                {"reason", loop::text_of(failure)},
                {"restart_in", write_duration(length)}});
    consumer_slot.waits = true;
    co_await loop::sleep_for(environment_.loop, length);
    consumer_slot.waits = false;
  }
}

engine::session_kind consumer::session_kind() const noexcept {
  return attempts_.uses_processes() ? engine::session_kind::other_processes : engine::session_kind::plain;
}

void consumer::open_session(slot& consumer_slot) {
  consumer_slot.session = environment_.broker.open_session(session_kind());
  environment_.broker.set_on_cancelled(consumer_slot.session,
                                       [this, &consumer_slot](job_id job) { cancel_attempt(consumer_slot, job); });
  // The workload has checked that the queues exist and that they are fewer than a session may watch.
  for (const auto queue : queues_)
    environment_.broker.watch(consumer_slot.session, environment_.broker.engine().name_of(queue)).value();
}

void consumer::close_session(slot& consumer_slot, engine::session_end ending) {
  if (consumer_slot.busy) {
    settlement_.released();
    end(consumer_slot);
  }
  consumer_slot.waits = false;
  if (consumer_slot.sequence_member != nullptr)
    environment_.in_sequence->detach(*consumer_slot.sequence_member, ending);
  if (!consumer_slot.session) return;
  while (!environment_.broker.try_close_session(consumer_slot.session, ending)) {
  }  // gives back one job at most
  consumer_slot.session = {};
}

loop::awaitable<> consumer::serve(slot& consumer_slot) {
  auto& loop = environment_.loop;
  const bool quick = attempts_.quick();
  auto turn_began = loop.now();
  for (unsigned this_turn = 0; !closing_; ++this_turn) {
    if (this_turn >= jobs_per_turn || (!quick && loop.refresh_now() - turn_began >= turn_length_max)) {
      this_turn = 0;
      co_await loop::yield(loop);
      turn_began = loop.now();
      continue;
    }
    auto taken = environment_.broker.try_reserve(consumer_slot.session, engine::lease::unlimited).answer;
    if (taken.status != engine::reserve_status::reserved) {
      consumer_slot.waits = true;
      if (taken.status == engine::reserve_status::waiting) {
        taken = (co_await environment_.broker.granted(consumer_slot.session)).answer;
      } else {
        environment_.on_idle();
        taken = (co_await environment_.broker.reserve(consumer_slot.session, engine::lease::unlimited)).answer;
      }
      consumer_slot.waits = false;
      this_turn = 0;
      turn_began = loop.now();
      if (taken.status != engine::reserve_status::reserved) continue;
      if (closing_) break;  // granted after `stop_taking`: closing the session returns the job
    }
    if (quick) {
      // Without a coroutine for each job: its cost would show here.
      auto job = begin(consumer_slot, std::move(taken.job));
      const auto id = job.id;
      const auto queue = job.queue;
      std::optional<loop::job_mark> shown;
      show(job, shown);
      auto attempt = attempts_.run_now(job);
      attempt.in_group = consumer_slot.in_group;
      if (!settlement_.settle(consumer_slot.session, std::move(job), std::move(attempt))) {
        co_await settlement_.admitted(consumer_slot.session, id, queue);
      }
      end(consumer_slot);
    } else {
      co_await attempt_and_settle(consumer_slot, consumer_slot.session, std::move(taken.job));
      if (consumer_slot.stuck) co_return;
    }
  }
}

loop::awaitable<> consumer::serve_in_sequence(slot& consumer_slot) {
  while (!closing_) {
    consumer_slot.waits = true;
    auto turn = co_await environment_.in_sequence->next(*consumer_slot.sequence_member);
    consumer_slot.waits = false;
    try {
      if (closing_) {
        static_cast<void>(environment_.broker.release(turn.session, turn.job.job, turn.job.priority, duration::zero()));
      } else {
        auto job = turn.job;
        co_await attempt_and_settle(consumer_slot, turn.session, std::move(job));
      }
    } catch (...) {
      environment_.in_sequence->abandon(*consumer_slot.sequence_member,
                                        closing_ ? engine::session_end::returned : engine::session_end::lost);
      throw;
    }
    environment_.in_sequence->done(*consumer_slot.sequence_member);
  }
}

loop::awaitable<> consumer::attempt_and_settle(slot& consumer_slot, session_id session, engine::reserved_job&& taken) {
  auto job = begin(consumer_slot, std::move(taken));
  const auto id = job.id;
  const auto queue = job.queue;
  std::optional<loop::job_mark> shown;
  show(job, shown);
  attempt_result attempt;
  if (attempts_.quick()) {
    attempt = attempts_.run_now(job);
  } else {
    consumer_slot.attempted = id;
    consumer_slot.queue = queue;
    if (attempts_.timeout()) expect_end(consumer_slot, after(environment_.loop.now(), *attempts_.timeout()));
    std::exception_ptr failure;
    try {
      attempt = co_await attempts_.run(job);
      consumer_slot.stuck_at = never;  // the handler has ended; a pool that is busy does not make it stuck
      if (!consumer_slot.stuck && attempts::needs_thread(attempt)) co_await attempts_.copy_on_thread(attempt);
    } catch (...) {
      failure = std::current_exception();  // the task was cancelled after the handler answered
    }
    consumer_slot.attempted = {};
    consumer_slot.stuck_at = never;
    if (consumer_slot.stuck) co_return;  // the job has ended without it
    if (std::exchange(consumer_slot.attempt_cancelled, false)) {
      // The job is gone, and the slot may await again. If a drain has cancelled the task as well, `closing_` ends it.
      co_await boost::asio::this_coro::reset_cancellation_state();
      settlement_.cancelled();
      co_return end(consumer_slot);
    }
    if (failure) std::rethrow_exception(failure);
  }
  if (attempt.outcome == engine::outcome::cancelled) {
    throw boost::system::system_error{boost::asio::error::operation_aborted};
  }
  attempt.in_group = consumer_slot.in_group;
  if (!settlement_.settle(session, std::move(job), std::move(attempt))) {
    if (consumer_slot.sequence_member != nullptr)
      environment_.in_sequence->return_permit(*consumer_slot.sequence_member);
    co_await settlement_.admitted(session, id, queue);
  }
  end(consumer_slot);
}

void consumer::cancel_attempt(slot& consumer_slot, job_id job) {
  if (!consumer_slot.attempted || consumer_slot.attempted != job) return;
  consumer_slot.attempt_cancelled = true;
  expect_end(consumer_slot, environment_.loop.now());
  environment_.loop.cancel(consumer_slot.task);
}

/// If it is cancelled twice, by its timeout and with its job, the first time counts.
void consumer::expect_end(slot& consumer_slot, instant cancelled_at) {
  const auto stuck_at = after(cancelled_at, attempts_.cancellation_length() + stuck_after);
  consumer_slot.stuck_at = std::min(consumer_slot.stuck_at, stuck_at);
  if (stuck_at < stuck_check_.when()) stuck_check_.set(stuck_at);
}

void consumer::replace_stuck_slots() {
  std::erase_if(slots_, [](const auto& one) { return one->ended; });
  const auto now = environment_.loop.now();
  const auto slots_before = slots_.size();
  for (std::size_t n = 0; n < slots_before; ++n) {
    auto& one = *slots_[n];
    if (one.stuck || one.sequence_member != nullptr || one.stuck_at > now) continue;
    if (counts_.stuck < stuck_slots_max) {
      replace(one);
    } else {
      one.stuck_at = after(now, stuck_after);
    }
  }
  for (const auto& one : slots_) {
    if (!one->stuck && one->sequence_member == nullptr && one->stuck_at < stuck_check_.when())
      stuck_check_.set(one->stuck_at);
  }
}

void consumer::replace(slot& stuck_slot) {
  stuck_slot.stuck = true;
  ++counts_.stuck;
  log::error("consumer_slot_stuck", "a handler does not end after its cancellation: its slot is replaced",
             {{"consumer", counts_.name}, {"slot", stuck_slot.name}, {"job", stuck_slot.attempted.value()}});
  if (stuck_slot.attempt_cancelled) {
    settlement_.cancelled();
  } else {
    [[maybe_unused]] const bool settled =
        settlement_.settle(stuck_slot.session, {stuck_slot.attempted, {}, stuck_slot.queue, 0}, attempts_.too_late());
    assert(settled);  // only an output waits
  }
  end(stuck_slot);
  stuck_slot.attempted = {};
  stuck_slot.stuck_at = never;
  if (!closing_) add_slot();
  environment_.on_idle();
}

handlers::job consumer::begin(slot& consumer_slot, engine::reserved_job&& taken) {
  consumer_slot.busy = true;
  consumer_slot.in_group = taken.in_group;
  ++counts_.active;
  if (auto* const trace = environment_.loop.core().trace)
    consumer_slot.lane = trace->begin_work(taken.job, environment_.broker.engine().name_of(taken.queue), taken.reserves,
                                           taken.content.view());
  return {taken.job, std::move(taken.content), environment_.broker.engine().name_of(taken.queue), taken.reserves};
}

void consumer::show(const handlers::job& job, std::optional<loop::job_mark>& mark) const {
  if (environment_.job_name) mark.emplace(environment_.loop, job_name_of(*environment_.job_name, job));
}

void consumer::end(slot& consumer_slot) {
  consumer_slot.busy = false;
  --counts_.active;
  if (auto* const trace = environment_.loop.core().trace) trace->end_work(consumer_slot.lane);
}

std::string consumer::slot_name(session_id session) const {
  const auto found = std::ranges::find_if(slots_, [&](const auto& one) { return one->session == session; });
  return found == slots_.end() ? std::string{} : (*found)->name;
}

}  // namespace millrace::workload
