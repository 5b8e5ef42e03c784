#include "control/bulk.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/serialize.hpp>
#include <millrace/loop/deadline.hpp>

#include "control/body_peek.hpp"
#include "control/change_request.hpp"

namespace millrace::control {

namespace {

/// How long a paced action sleeps before it looks whether it is to stop.
constexpr duration nap_max = milliseconds{100};

/// Suspends until the store has the changes of a step. False: the action must end.
loop::awaitable<bool> finish_step(const context& context, broker::receipt changes, action& facts) {
  auto& broker = context.broker;
  // Also for a relaxed queue, whose answers do not wait: the backlog must not grow with the action.
  const broker::receipt written{.batch = changes.written_with};
  const bool is_written = co_await until_durable(broker, written);
  if (!is_written) {
    facts.state = action_state::failed;
    facts.error = "the store has failed: " + broker.store_failure();
    co_return false;
  }
  co_await loop::yield(context.loop);
  if (facts.stopping) facts.state = action_state::stopped;
  co_return !facts.stopping;
}

/// Closes its cursor at the end of the walk, also when the action is cancelled.
class owned_cursor {
 public:
  owned_cursor(broker::broker& broker, queue_id queue, engine::job_state state)
      : broker_{broker}, cursor_{broker.open_cursor(queue, state, engine::cursor_owner::caller)} {
    if (cursor_) broker_.begin_page(*cursor_, 1);
  }
  ~owned_cursor() {
    if (cursor_) broker_.close_cursor(*cursor_);
  }
  owned_cursor(const owned_cursor&) = delete;
  owned_cursor& operator=(const owned_cursor&) = delete;

  [[nodiscard]] const std::optional<engine::cursor_id>& get() const noexcept { return cursor_; }

 private:
  broker::broker& broker_;
  std::optional<engine::cursor_id> cursor_;
};

engine::job_filter filter_of(const bulk_change& change, instant now) {
  if (change.began == never) return change.selection.filter_at(now);
  auto filter = change.selection.filter_at(change.began);
  filter.last_job = change.last_job;
  return filter;
}

/// One run of a bulk change through the states of its selection.
class bulk_walk {
 public:
  bulk_walk(const context& context, queue_id queue, const bulk_change& wanted, boost::json::object description,
            action& facts)
      : context_{context},
        queue_{queue},
        wanted_{wanted},
        description_{std::move(description)},
        filter_{filter_of(wanted, context.loop.now())},
        facts_{facts},
        bodies_{context},
        began_{context.loop.now()} {}

  /// Does all of it, or until the action is to stop.
  loop::awaitable<> run() {
    auto walking = walk();
    co_await std::move(walking);
    // The end of the daemon is no end of the action.
    if (facts_.state == action_state::stopped && !facts_.asked_to_stop) co_return;
    if (!wanted_.dry_run && facts_.state != action_state::failed) context_.broker.forget_action(facts_.id.value());
  }

 private:
  loop::awaitable<> walk() {
    for (const auto state : wanted_.selection.states) {
      const owned_cursor cursor{context_.broker, queue_, state};
      if (!cursor.get()) co_return;
      for (bool goes_on = true; goes_on;) {
        if (left() == 0) co_return;
        auto stepping = step(*cursor.get());
        goes_on = co_await std::move(stepping);
        if (facts_.state != action_state::running) co_return;
      }
    }
  }

  /// False: the walk through this state is over, or the action must end.
  loop::awaitable<bool> step(engine::cursor_id cursor) {
    const auto most = std::min<std::uint64_t>(left(), step_jobs());
    auto walked = advance(cursor, most);
    const engine::walk_step& step = walked.answer;
    auto finishing = finish_step(context_, walked.durable_with, facts_);
    const bool goes_on = co_await std::move(finishing);
    if (facts_.state == action_state::failed) co_return false;
    facts_.seen += step.seen;
    if (!wanted_.dry_run) facts_.unchanged += step.matched - step.changed;
    facts_.done += wanted_.dry_run ? step.matched : step.changed;
    done_here_ += wanted_.dry_run ? step.matched : step.changed;
    if (!goes_on || step.is_gone || step.is_end) co_return false;
    if (step.body_needed) {
      auto reading = bodies_.read(step.body_needed);
      const auto content = co_await std::move(reading);
      context_.broker.decide_body(cursor, step.body_needed, content && has_text(*content, filter_));
    }
    auto resting = keep_pace();
    co_await std::move(resting);
    co_return true;
  }

  broker::receipted<engine::walk_step> advance(engine::cursor_id cursor, std::uint64_t most) {
    keep();
    if (!wanted_.dry_run) return context_.broker.change_jobs(cursor, filter_, wanted_.change, most);
    std::vector<engine::job_facts> found;
    return context_.broker.find_jobs(cursor, filter_, most, found);
  }

  /// The progress goes to disk with the changes of the next command.
  void keep() {
    if (wanted_.dry_run) return;
    description_["done"] = facts_.done;
    description_["seen"] = facts_.seen;
    description_["unchanged"] = facts_.unchanged;
    description_["total"] = facts_.total;
    context_.broker.keep_action(facts_.id.value(), boost::json::serialize(description_));
  }

  [[nodiscard]] std::uint64_t left() const {
    const auto most = wanted_.jobs_max.value_or(UINT64_MAX);
    return most - std::min(most, facts_.done);
  }

  /// With a rate, about ten steps a second.
  [[nodiscard]] std::uint64_t step_jobs() const {
    if (!wanted_.rate || wanted_.dry_run) return engine::moves_per_turn_max;
    return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(*wanted_.rate / 10), 1, engine::moves_per_turn_max);
  }

  /// Sleeps until the jobs changed so far are as many as the rate allows.
  loop::awaitable<> keep_pace() {
    if (!wanted_.rate || wanted_.dry_run) co_return;
    const std::chrono::duration<double> needed{static_cast<double>(done_here_) / *wanted_.rate};
    const auto until = after(began_, std::chrono::duration_cast<duration>(needed));
    for (auto now = context_.loop.now(); now < until && !facts_.stopping; now = context_.loop.now())
      co_await loop::sleep_for(context_.loop, std::min(nap_max, time_between(now, until)));
    if (facts_.stopping) facts_.state = action_state::stopped;
  }

  const context& context_;
  const queue_id queue_;
  const bulk_change& wanted_;
  boost::json::object description_;
  const engine::job_filter filter_;
  action& facts_;
  body_peek bodies_;
  const instant began_;
  std::uint64_t done_here_{0};  ///< since `began_`
};

}  // namespace

loop::awaitable<> purge(const context& context, queue_id queue, std::vector<engine::job_state> states, action& facts) {
  const auto began = facts.began;
  for (const auto state : states) {
    for (;;) {
      auto step = context.broker.purge(queue, state, began);
      if (step.answer == 0) break;
      auto finishing = finish_step(context, step.durable_with, facts);
      const bool goes_on = co_await std::move(finishing);
      if (facts.state == action_state::failed) co_return;
      facts.done += step.answer;
      facts.seen = facts.done;
      if (!goes_on) co_return;
    }
  }
}

loop::awaitable<> change_jobs(const context& context, queue_id queue, bulk_change wanted,
                              boost::json::object description, action& facts) {
  bulk_walk walk{context, queue, wanted, std::move(description), facts};
  auto running = walk.run();
  co_await std::move(running);
}

}  // namespace millrace::control
