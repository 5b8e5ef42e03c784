#include "workload/sequence.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <cassert>
#include <exception>
#include <tuple>
#include <utility>

#include <millrace/base/quantity.hpp>
#include <millrace/loop/deadline.hpp>

#include "base/log.hpp"
#include "loop/thrown.hpp"
#include "workload/restart_pause.hpp"

namespace millrace::workload {

class sequence::member {
 public:
  member(loop::event_loop& loop, session_id session, std::vector<queue_id> queues, std::optional<queue_id> output,
         std::function<void(job_id)> on_cancelled)
      : session_{session},
        queues_{std::move(queues)},
        output_{output},
        on_cancelled_{std::move(on_cancelled)},
        point_{loop, "turn"} {}

  session_id session_;
  std::vector<queue_id> queues_;
  std::optional<queue_id> output_;
  std::function<void(job_id)> on_cancelled_;
  loop::wait_point point_;
  std::optional<turn> given_;
};

sequence::sequence(loop::event_loop& loop, broker::broker& broker, std::function<void()> resting)
    : loop_{loop}, broker_{broker}, resting_{std::move(resting)}, returned_{loop, "turn's end"} {}

sequence::~sequence() = default;

sequence::member& sequence::join(session_id session, std::vector<queue_id> queues, std::optional<queue_id> output,
                                 std::function<void(job_id)> on_cancelled) {
  return *members_.emplace_back(
      std::make_unique<member>(loop_, session, std::move(queues), output, std::move(on_cancelled)));
}

void sequence::start(loop::task_scope& scope) { task_ = scope.spawn("sequence", run()); }

void sequence::stop() {
  closing_ = true;
  if (waits_) loop_.cancel(task_);
}

void sequence::attach(member& participant, session_id session) { participant.session_ = session; }

void sequence::detach(member& participant) {
  participant.session_ = {};
  if (const auto given = std::exchange(participant.given_, std::nullopt)) abandon(*given);
}

loop::awaitable<> sequence::run() {
  restart_pause pause;
  while (!closing_) {
    const auto began = loop_.now();
    std::exception_ptr failure;
    try {
      co_await give_turns();
    } catch (...) {
      failure = std::current_exception();
    }
    waits_ = false;
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    if (state.cancelled() != boost::asio::cancellation_type::none) break;
    if (failure) co_await rest_after(failure, pause.after_run_of(loop_.now() - began));
  }
  // A job that is out keeps its session: its holder settles or abandons it.
  if (!permit_taken_) close_watch_all_session();
  closing_ = true;
}

loop::awaitable<> sequence::rest_after(std::exception_ptr failure, duration length) {
  log::error("sequence_failed", "the order of jobs ended with an exception and starts again",
             {{"reason", loop::text_of(failure)}, {"restart_in", write_duration(length)}});
  if (closing_) co_return;
  waits_ = true;
  try {
    co_await loop::sleep_for(loop_, length);
  } catch (...) {
    closing_ = true;  // cancelled
  }
  waits_ = false;
}

loop::awaitable<> sequence::give_turns() {
  while (!closing_) {
    if (permit_taken_) {
      co_await returned_.wait();
      continue;
    }
    if (auto* const next = first_by_time()) {
      auto taken = broker_.try_reserve(next->session_, engine::lease::unlimited).answer;
      if (taken.status == engine::reserve_status::waiting) {
        waits_ = true;
        taken = (co_await broker_.granted(next->session_)).answer;
        waits_ = false;
      }
      if (taken.status != engine::reserve_status::reserved) continue;
      give(*next, {next->session_, std::move(taken.job)});
    } else {
      resting_();
      waits_ = true;
      const auto session = watch_all_session();
      auto taken = (co_await broker_.reserve(session, engine::lease::unlimited)).answer;
      waits_ = false;
      if (taken.status != engine::reserve_status::reserved) continue;
      auto& server = server_of(taken.job.queue);
      give(server, {session, std::move(taken.job)});
    }
  }
  while (permit_taken_) co_await returned_.wait();
}

loop::awaitable<sequence::turn> sequence::next(member& participant) {
  try {
    if (!participant.given_) co_await participant.point_.wait();
  } catch (...) {
    // Given in the moment of being cancelled: it is the caller's all the same.
    if (!participant.given_) throw;
  }
  auto given = std::move(*participant.given_);
  participant.given_.reset();
  co_return given;
}

void sequence::done() {
  assert(permit_taken_);
  permit_taken_ = false;
  returned_.wake_one();
  if (closing_) close_watch_all_session();
}

void sequence::abandon(const turn& abandoned) {
  if (abandoned.session == watch_all_session_) close_watch_all_session();
  done();
}

bool sequence::output_would_wait(const member& participant) const {
  if (!participant.output_) return false;
  const auto& engine = broker_.engine();
  const auto& options = engine.options_of(*participant.output_);
  if (options.when_full != engine::overflow::block) return false;
  const auto levels = engine.levels(*participant.output_);
  return levels.waiting_puts != 0 || levels.jobs() >= options.max_jobs || levels.bytes() >= options.max_bytes;
}

sequence::member* sequence::first_by_time() {
  using place = std::tuple<bool, instant, job_id>;  // the lowest comes first
  std::optional<place> first;
  member* first_member = nullptr;
  for (const auto& one : members_) {
    if (!one->session_) continue;  // starts again soon; the session that watches all queues takes its jobs meanwhile
    const auto next = broker_.engine().next_ready(one->session_);
    if (!next) continue;
    const place own{output_would_wait(*one), next->since, next->job};
    if (first && *first <= own) continue;
    first = own;
    first_member = one.get();
  }
  return first_member;
}

sequence::member& sequence::server_of(queue_id queue) {
  const auto found = std::find_if(members_.begin(), members_.end(), [queue](const auto& one) {
    return std::find(one->queues_.begin(), one->queues_.end(), queue) != one->queues_.end();
  });
  assert(found != members_.end());
  return **found;
}

void sequence::give(member& participant, turn&& next_turn) {
  permit_taken_ = true;
  holder_ = &participant;
  participant.given_ = std::move(next_turn);
  participant.point_.wake_one();
}

session_id sequence::watch_all_session() {
  if (watch_all_session_) return watch_all_session_;
  watch_all_session_ = broker_.open_session();
  broker_.set_on_cancelled(watch_all_session_, [this](job_id job) {
    if (holder_ != nullptr) holder_->on_cancelled_(job);
  });
  const auto& engine = broker_.engine();
  for (const auto& one : members_) {
    for (const auto queue : one->queues_) {
      [[maybe_unused]] const auto watched = broker_.watch(watch_all_session_, engine.name_of(queue));
      assert(watched.has_value());
    }
  }
  return watch_all_session_;
}

void sequence::close_watch_all_session() {
  if (!watch_all_session_) return;
  // A job that a drain takes from its holder was not interrupted; one whose holder failed was.
  const auto end = closing_ ? engine::session_end::returned : engine::session_end::lost;
  while (!broker_.try_close_session(watch_all_session_, end)) {
  }  // holds one job at most
  watch_all_session_ = {};
}

}  // namespace millrace::workload
