#include "workload/consumer.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <exception>

#include <millrace/base/quantity.hpp>
#include <millrace/loop/deadline.hpp>

#include "base/log.hpp"
#include "loop/thrown.hpp"
#include "workload/restart_pause.hpp"

namespace millrace::workload {

consumer::consumer(environment env, std::vector<queue_id> queues, attempts attempts,
                   settlement::destinations destinations, consumer_counts& counts)
    : environment_{std::move(env)},
      queues_{std::move(queues)},
      attempts_{std::move(attempts)},
      settlement_{environment_.loop, environment_.broker, destinations, counts},
      counts_{counts} {}

void consumer::start(loop::task_scope& scope) {
  const auto one_is_enough = attempts_.quick() || environment_.in_sequence != nullptr;
  const auto wanted = one_is_enough ? 1u : counts_.concurrency;
  for (unsigned number = 1; number <= wanted; ++number) {
    auto& mine = *slots_.emplace_back(std::make_unique<slot>());
    mine.name = counts_.name + '#' + std::to_string(number);
    open_session(mine);
    if (environment_.in_sequence != nullptr) {
      mine.in_line = &environment_.in_sequence->join(mine.session, queues_);
    }
    ++running_;
    mine.task = scope.spawn(mine.name, run(mine));
  }
}

void consumer::stop_taking() {
  closing_ = true;
  for (const auto& one : slots_) {
    if (one->waits) environment_.loop.cancel(one->task);
  }
}

loop::awaitable<> consumer::run(slot& mine) {
  const running_mark mark{*this};
  restart_pause pause;
  while (true) {
    const auto began = environment_.loop.now();
    std::exception_ptr failure;
    try {
      if (!mine.session) open_session(mine);
      if (mine.in_line != nullptr) {
        environment_.in_sequence->attach(*mine.in_line, mine.session);
        co_await serve_in_sequence(mine);
      } else {
        co_await serve(mine);
      }
    } catch (...) {
      failure = std::current_exception();
    }
    close_session(mine);
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    const bool cancelled = state.cancelled() != boost::asio::cancellation_type::none;
    if (!failure || (cancelled && loop::is_cancellation(failure))) break;
    if (closing_ || cancelled) std::rethrow_exception(failure);  // the drain goes on without this slot

    const auto length = pause.after_run_of(environment_.loop.now() - began);
    counts_.slot_restarts.add();
    log::error("consumer_slot_failed", "a slot of the consumer ended with an exception and starts again",
               {{"consumer", counts_.name},
                {"slot", mine.name},
                {"reason", loop::text_of(failure)},
                {"restart_in", write_duration(length)}});
    mine.waits = true;
    co_await loop::sleep_for(environment_.loop, length);
    mine.waits = false;
  }
}

void consumer::open_session(slot& mine) {
  mine.session = environment_.broker.open_session();
  // Of queues that are there and fewer than a session may watch: checked by whoever made this consumer.
  for (const auto queue : queues_)
    environment_.broker.watch(mine.session, environment_.broker.engine().name_of(queue)).value();
}

void consumer::close_session(slot& mine) {
  if (mine.busy) {
    end(mine);
    settlement_.released();
  }
  mine.waits = false;
  if (mine.in_line != nullptr) environment_.in_sequence->detach(*mine.in_line);
  if (!mine.session) return;
  while (!environment_.broker.try_close_session(mine.session)) {
  }  // gives back one job at most
  mine.session = {};
}

loop::awaitable<> consumer::serve(slot& mine) {
  for (unsigned this_turn = 0; !closing_; ++this_turn) {
    if (this_turn >= jobs_per_turn) {
      this_turn = 0;
      co_await loop::yield(environment_.loop);
      continue;
    }
    auto taken = environment_.broker.try_reserve(mine.session, engine::lease::unlimited).answer;
    if (taken.status != engine::reserve_status::reserved) {
      mine.waits = true;
      if (taken.status == engine::reserve_status::waiting) {
        taken = (co_await environment_.broker.granted(mine.session)).answer;
      } else {
        environment_.resting();
        taken = (co_await environment_.broker.reserve(mine.session, engine::lease::unlimited)).answer;
      }
      mine.waits = false;
      this_turn = 0;
      if (taken.status != engine::reserve_status::reserved) continue;
      if (closing_) break;  // granted while it was told to stop: closing the session gives the job back
    }
    if (attempts_.quick()) {
      // Without a coroutine for each job: its cost would show here.
      auto job = begin(mine, std::move(taken.job));
      const auto id = job.id;
      auto came = attempts_.run_now(job);
      if (!settlement_.settle(mine.session, std::move(job), std::move(came))) {
        co_await settlement_.admitted(mine.session, id);
      }
      end(mine);
    } else {
      co_await attempt_and_settle(mine, mine.session, std::move(taken.job));
    }
  }
}

loop::awaitable<> consumer::serve_in_sequence(slot& mine) {
  while (!closing_) {
    mine.waits = true;
    auto turn = co_await environment_.in_sequence->next(*mine.in_line);
    mine.waits = false;
    try {
      if (closing_) {
        static_cast<void>(environment_.broker.release(turn.session, turn.job.job, turn.job.priority, duration::zero()));
      } else {
        auto job = turn.job;
        co_await attempt_and_settle(mine, turn.session, std::move(job));
      }
    } catch (...) {
      environment_.in_sequence->abandon(turn);
      throw;
    }
    environment_.in_sequence->done();
  }
}

loop::awaitable<> consumer::attempt_and_settle(slot& mine, session_id session, engine::reserved_job&& taken) {
  auto job = begin(mine, std::move(taken));
  const auto id = job.id;
  attempt came;
  if (attempts_.quick()) {
    came = attempts_.run_now(job);
  } else {
    came = co_await attempts_.run(job);
  }
  if (came.result == engine::outcome::cancelled) {
    throw boost::system::system_error{boost::asio::error::operation_aborted};
  }
  if (!settlement_.settle(session, std::move(job), std::move(came))) co_await settlement_.admitted(session, id);
  end(mine);
}

handlers::job consumer::begin(slot& mine, engine::reserved_job&& taken) {
  mine.busy = true;
  ++counts_.active;
  return {taken.job, std::move(taken.content), environment_.broker.engine().name_of(taken.queue), taken.reserves};
}

void consumer::end(slot& mine) {
  mine.busy = false;
  --counts_.active;
}

}  // namespace millrace::workload
