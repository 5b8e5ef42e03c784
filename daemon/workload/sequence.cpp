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
#include "base/restart_pause.hpp"
#include "loop/thrown.hpp"

namespace millrace::workload {

class sequence::member {
 public:
  member(loop::event_loop& loop, session_id session, engine::session_kind kind, std::vector<queue_id> queues,
         std::function<void(job_id)> on_cancelled)
      : session_{session},
        kind_{kind},
        queues_{std::move(queues)},
        on_cancelled_{std::move(on_cancelled)},
        point_{loop, "turn"} {}

  /// It may get the permit: no job of it waits for its output.
  [[nodiscard]] bool is_free() const noexcept { return !waits_ && !left_; }

  session_id session_;
  engine::session_kind kind_;
  std::vector<queue_id> queues_;
  std::function<void(job_id)> on_cancelled_;
  loop::wait_point point_;
  std::optional<turn> given_;
  session_id job_session_{};  ///< that holds the job of its turn; none: it has no turn
  bool waits_{false};         ///< its turn goes on without the permit
  bool left_{false};
};

sequence::sequence(loop::event_loop& loop, broker::broker& broker, std::function<void()> on_idle)
    : loop_{loop}, broker_{broker}, on_idle_{std::move(on_idle)}, returned_{loop, "turn's end"} {}

sequence::~sequence() = default;

sequence::member& sequence::join(session_id session, engine::session_kind kind, std::vector<queue_id> queues,
                                 std::function<void(job_id)> on_cancelled) {
  return *members_.emplace_back(
      std::make_unique<member>(loop_, session, kind, std::move(queues), std::move(on_cancelled)));
}

void sequence::start(loop::task_scope& scope) { task_ = scope.spawn("sequence", run()); }

void sequence::stop() {
  closing_ = true;
  if (waits_) loop_.cancel(task_);
  returned_.wake_one();
}

void sequence::attach(member& participant, session_id session) { participant.session_ = session; }

void sequence::detach(member& participant, engine::session_end end) {
  if (std::exchange(participant.given_, std::nullopt)) abandon(participant, end);
  participant.session_ = {};
}

void sequence::leave(member& participant) {
  participant.left_ = true;
  note_free_members_changed();
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
    if (permit_taken_ || !any_free()) {
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
      on_idle_();
      const auto session = watch_all_session();
      auto taken = co_await reserve_any(session);
      if (taken.status != engine::reserve_status::reserved) continue;
      if (auto* const server = server_of(taken.job.queue)) {
        give(*server, {session, std::move(taken.job)});
      } else {
        static_cast<void>(broker_.release(session, taken.job.job, taken.job.priority, duration::zero()));
      }
    }
  }
  while (permit_taken_) co_await returned_.wait();
}

/// `timed_out`: the free members have changed, so that other queues must be watched.
loop::awaitable<engine::reserve_answer> sequence::reserve_any(session_id session) {
  engine::reserve_answer taken{.status = engine::reserve_status::timed_out};
  std::exception_ptr failure;
  waits_ = waits_for_any_ = true;
  try {
    taken = (co_await broker_.reserve(session, engine::lease::unlimited)).answer;
  } catch (...) {
    failure = std::current_exception();
  }
  waits_ = waits_for_any_ = false;
  if (free_members_changed_) {
    // The task was cancelled for this wait only. If a stop has cancelled it as well, `closing_` ends it.
    co_await boost::asio::this_coro::reset_cancellation_state();
    if (failure && loop::is_cancellation(failure)) failure = nullptr;
  }
  if (failure) std::rethrow_exception(failure);
  co_return taken;
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

void sequence::return_permit(member& participant) {
  participant.waits_ = true;
  // It holds the job, so another session watches all queues from now on; this one ends with the turn.
  if (participant.job_session_ == watch_all_session_) watch_all_session_ = {};
  free_members_changed_ = true;
  free_permit();
}

void sequence::done(member& participant) {
  const auto session = std::exchange(participant.job_session_, session_id{});
  if (!std::exchange(participant.waits_, false)) return free_permit();
  if (session != participant.session_) close(session, engine::session_end::returned);
  note_free_members_changed();
}

void sequence::abandon(member& participant, engine::session_end end) {
  if (participant.job_session_ != participant.session_) {
    if (participant.job_session_ == watch_all_session_) watch_all_session_ = {};
    close(std::exchange(participant.job_session_, participant.session_), end);
  }
  done(participant);
}

void sequence::free_permit() {
  assert(permit_taken_);
  permit_taken_ = false;
  returned_.wake_one();
  if (closing_) close_watch_all_session();
}

void sequence::note_free_members_changed() {
  free_members_changed_ = true;
  returned_.wake_one();
  if (waits_for_any_) loop_.cancel(task_);
}

bool sequence::any_free() const {
  return std::ranges::any_of(members_, [](const auto& one) { return one->is_free(); });
}

sequence::member* sequence::first_by_time() {
  const auto earlier = [](const engine::ready_job& one, const engine::ready_job& other) {
    return std::tuple{one.since, one.job} < std::tuple{other.since, other.job};
  };
  std::optional<engine::ready_job> first;
  member* first_member = nullptr;
  for (const auto& one : members_) {
    if (!one->is_free()) continue;
    if (!one->session_) continue;  // starts again soon; the session that watches all queues takes its jobs meanwhile
    const auto next = broker_.engine().next_ready(one->session_);
    if (!next || (first && !earlier(*next, *first))) continue;
    first = next;
    first_member = one.get();
  }
  return first_member;
}

sequence::member* sequence::server_of(queue_id queue) {
  const auto found = std::ranges::find_if(members_, [queue](const auto& one) {
    return one->is_free() && std::ranges::find(one->queues_, queue) != one->queues_.end();
  });
  return found == members_.end() ? nullptr : found->get();
}

void sequence::give(member& participant, turn&& next_turn) {
  permit_taken_ = true;
  holder_ = &participant;
  participant.job_session_ = next_turn.session;
  participant.given_ = std::move(next_turn);
  participant.point_.wake_one();
}

session_id sequence::watch_all_session() {
  if (std::exchange(free_members_changed_, false)) close_watch_all_session();
  if (watch_all_session_) return watch_all_session_;
  const bool uses_processes = std::ranges::any_of(
      members_, [](const auto& one) { return one->is_free() && one->kind_ == engine::session_kind::other_processes; });
  watch_all_session_ =
      broker_.open_session(uses_processes ? engine::session_kind::other_processes : engine::session_kind::plain);
  broker_.set_on_cancelled(watch_all_session_, [this](job_id job) {
    if (holder_ != nullptr) holder_->on_cancelled_(job);
  });
  const auto& engine = broker_.engine();
  for (const auto& one : members_) {
    if (!one->is_free()) continue;
    for (const auto queue : one->queues_) {
      [[maybe_unused]] const auto watched = broker_.watch(watch_all_session_, engine.name_of(queue));
      assert(watched.has_value());
    }
  }
  return watch_all_session_;
}

void sequence::close_watch_all_session() {
  if (watch_all_session_) close(std::exchange(watch_all_session_, session_id{}), engine::session_end::returned);
}

void sequence::close(session_id session, engine::session_end end) {
  while (!broker_.try_close_session(session, end)) {
  }  // holds one job at most
}

}  // namespace millrace::workload
