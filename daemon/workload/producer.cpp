#include "workload/producer.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <string>
#include <tuple>
#include <utility>

#include <millrace/loop/deadline.hpp>

#include "base/log.hpp"
#include "loop/thrown.hpp"

namespace millrace::workload {

namespace {

/// Why a queue refused a body of `bytes`.
std::string text_of(engine::reason refusal, std::uint64_t bytes) {
  const auto size = std::to_string(bytes) + " bytes";
  switch (refusal) {
    case engine::reason::too_large:
      return "the body has " + size + ", more than `max_bytes` of the queue or than a job on disk can have";
    case engine::reason::no_space:
      return "the disk is short of space";
    case engine::reason::draining:
      return "the daemon is draining";
    case engine::reason::no_ids:
      return "no job ids are left";
    default:
      return "the queue is full";
  }
}

}  // namespace

producer::producer(environment env, const producer_options& options, queue_id queue,
                   std::unique_ptr<sources::source> source, std::optional<source_progress> progress,
                   std::optional<std::uint64_t> limit, producer_counts& counts)
    : environment_{std::move(env)},
      options_{options},
      queue_{queue},
      source_{std::move(source)},
      progress_{std::move(progress)},
      session_{environment_.broker.open_session()},
      group_{environment_.grouped == nullptr
                 ? std::nullopt
                 : std::optional{producer_group{environment_.broker, session_, queue_, *environment_.grouped}}},
      pace_{options, limit, environment_.loop.now()},
      pace_changed_{environment_.loop, "its next body"},
      next_due_{environment_.loop, [this] { pace_changed_.wake_all(); }},
      counts_{counts},
      source_failures_{environment_.loop, "source_failed", "producer", counts.name},
      refusals_{environment_.loop, "put_refused", "producer", counts.name} {}

loop::awaitable<> producer::run() {
  const running_mark mark{*this};
  std::exception_ptr failure;
  try {
    if (environment_.until_predecessors_end) {
      co_await environment_.until_predecessors_end();
      pace_.begin(environment_.loop.now());
    }
    if (co_await resume_source()) {
      if (group_) group_->begin(progress_ && options_.begin != start::again);
      co_await produce();
    }
  } catch (...) {
    failure = std::current_exception();
  }
  source_.reset();  // a file and a thread it may have: they are no longer needed
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  const bool cancelled = failure && state.cancelled() != boost::asio::cancellation_type::none;
  if (group_ && progress_ && (cancelled || cut_off_)) group_->release();
  environment_.broker.try_close_session(session_);  // holds no job: one turn is enough
  if (!failure || (cancelled && loop::is_cancellation(failure))) co_return;
  counts_.failed = true;
  counts_.errors.add();
  log::error("producer_failed", "the producer ended with an exception",
             {{"producer", counts_.name}, {"jobs", counts_.jobs.value()}, {"reason", loop::text_of(failure)}});
}

loop::awaitable<bool> producer::resume_source() {
  if (!progress_ || pace_.over(environment_.loop.now())) co_return true;
  const auto reason = co_await progress_->resume();
  if (reason.empty()) co_return true;
  counts_.failed = true;
  counts_.errors.add();
  log::error("source_not_resumed", "a producer puts nothing: `start: again` would let it begin anew",
             {{"producer", counts_.name}, {"reason", reason}});
  co_return false;
}

loop::awaitable<> producer::produce() {
  for (unsigned this_turn = 0; !pace_.over(environment_.loop.now()); ++this_turn) {
    if (group_ && group_->is_cancelled()) co_return;
    if (const auto due = pace_.due(); due > environment_.loop.now()) {
      co_await until_due();
      this_turn = 0;
      continue;
    }
    if (consecutive_failures_ >= bodies_per_turn) {
      consecutive_failures_ = 0;
      co_await loop::sleep_for(environment_.loop, rest);
      continue;
    }
    if (this_turn >= bodies_per_turn) {
      this_turn = 0;
      co_await loop::yield(environment_.loop);
    }

    if (!unsent_) body_due_ = std::min(pace_.scheduled(), source_->due());
    // Before a body is asked for: none is lost, or held without an end.
    if (short_of_space()) {
      co_await wait_for_space();
      this_turn = 0;
      continue;
    }

    auto next =
        unsent_ ? sources::next_body{*std::exchange(unsent_, std::nullopt)} : source_->next(environment_.loop.now());
    if (auto* const content = std::get_if<body>(&next)) {
      const auto bytes = content->size();
      const auto answer = put(std::move(*content));
      if (answer == engine::put_status::draining) {
        cut_off_ = true;
        co_return;
      }
      if (answer == engine::put_status::waiting) {
        co_await wait_until_admitted(bytes);
        this_turn = 0;
      }
      while (share_.exceeded(environment_.broker)) co_await environment_.broker.until_more_durable();
      if (since_durable_ >= options_.in_flight) {
        co_await environment_.broker.until_durable(last_put_);
        since_durable_ = 0;
      }
    } else if (std::holds_alternative<sources::nothing_yet>(next)) {
      co_await wait_for_more();
      this_turn = 0;
    } else if (const auto* const failure = std::get_if<error>(&next)) {
      count_failure(source_failures_, "source_failed", failure->text);
    } else {
      co_return;
    }
  }
}

loop::awaitable<> producer::until_due() {
  // The deadline ends with the wait: it would keep the loop running.
  struct cleared {
    ~cleared() { timer.clear(); }
    loop::deadline& timer;
  };
  const cleared at_end{next_due_};
  next_due_.set(std::min(pace_.due(), pace_.end()));
  co_await pace_changed_.wait();
}

void producer::adjust(const producer_options& options, std::optional<std::uint64_t> limit) {
  const auto schedule = [](const producer_options& of) { return std::tuple{of.rate, of.pattern, of.seed}; };
  if (schedule(options) != schedule(options_)) pace_.set_schedule(options, environment_.loop.now());
  const auto taken = progress_ && options.limit ? progress_->bodies() : pace_.bodies();
  if (limit) limit = *limit - std::min(*limit, taken);
  pace_.set_left(limit);
  options_ = options;
  pace_changed_.wake_all();
}

std::optional<progress_mark> producer::mark() const {
  return progress_ ? std::optional{progress_->mark()} : std::nullopt;
}

engine::put_status producer::put(body&& content) {
  auto priority = options_.priority;
  if (options_.order_by) {
    const auto ordered = options_.order_by->priority_of(content);
    if (ordered.has_error()) return refused(ordered.error().text);
    priority = *ordered;
  }
  engine::put_request job{.content = std::move(content),
                          .priority = priority,
                          .delay = options_.delay,
                          .ttr = options_.ttr,
                          .expire_after = options_.expire_after};
  if (group_) job.group = group_->of_next_job();
  const auto bytes = job.content.size();
  const auto [answer, receipt] =
      environment_.broker.try_put(session_, queue_, std::move(job), progress_ ? progress_->step() : nullptr);
  // NOLINTNEXTLINE(bugprone-use-after-move): `try_put` leaves the job untouched when there is no space
  if (answer.status == engine::put_status::no_space) unsent_ = std::move(job.content);
  if (answer.status == engine::put_status::inserted) was_put(receipt, bytes);
  if (answer.status == engine::put_status::refused) return refused(text_of(answer.refusal, bytes));
  return answer.status;
}

engine::put_status producer::refused(std::string_view reason) {
  count_failure(refusals_, "put_refused", reason);
  if (progress_) progress_->body_taken();
  pace_.put(environment_.loop.now());  // this body had its turn
  return engine::put_status::refused;
}

loop::awaitable<> producer::wait_until_admitted(std::size_t bytes) {
  broker::receipt receipt;
  {
    const hold mark{*this};
    receipt = (co_await environment_.broker.put_admitted(session_)).durable_with;
  }
  was_put(receipt, bytes);
}

bool producer::short_of_space() const {
  return environment_.broker.short_of_space(queue_, unsent_ ? unsent_->size() : 0);
}

loop::awaitable<> producer::wait_for_space() {
  const hold mark{*this};
  while (short_of_space() && !pace_.over(environment_.loop.now())) co_await loop::sleep_for(environment_.loop, rest);
}

loop::awaitable<> producer::wait_for_more() {
  if (pace_.end() == never) {
    co_await source_->more();
  } else {
    auto more = source_->more();
    co_await loop::with_timeout(environment_.loop, std::move(more), pace_.end());
  }
  pace_.had_nothing_until(environment_.loop.now());
}

void producer::was_put(const broker::receipt& receipt, std::size_t bytes) {
  consecutive_failures_ = 0;
  ++since_durable_;
  last_put_ = receipt;
  share_.note(environment_.broker, receipt, bytes);
  if (progress_) progress_->body_taken();
  counts_.jobs.add();
  const auto now = environment_.loop.now();
  const auto behind_rate = pace_.put(now);
  counts_.lag = body_due_ == never ? behind_rate : age(body_due_, now);
}

void producer::count_failure(log_limiter& log, std::string_view event, std::string_view reason) {
  ++consecutive_failures_;
  counts_.errors.add();
  if (log.admit()) log::warning(event, reason, {{"producer", counts_.name}});
}

}  // namespace millrace::workload
