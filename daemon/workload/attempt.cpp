#include "workload/attempt.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <cassert>
#include <exception>
#include <memory>
#include <utility>

#include <millrace/base/quantity.hpp>
#include <millrace/handlers/slow_cancellation.hpp>
#include <millrace/loop/deadline.hpp>

#include "handlers/worker_answer.hpp"
#include "loop/thrown.hpp"

namespace millrace::workload {

namespace {

attempt_result failed(std::string error_text) {
  return {engine::outcome::failed, std::move(error_text), std::nullopt, std::nullopt};
}

attempt_result cancelled() { return {engine::outcome::cancelled, "cancelled", std::nullopt, std::nullopt}; }

bool is_large(std::size_t bytes) { return bytes > offload::on_loop_bytes_max; }

attempt_result failed(const error& failure) {
  auto attempt = failed(failure.text);
  attempt.is_final = failure.code == errc::rejected;
  return attempt;
}

attempt_result result_of(handlers::answer&& answer) {
  if (const auto wait = answer.later_after()) {
    attempt_result attempt{engine::outcome::later, answer.error().text, std::nullopt, std::nullopt};
    attempt.later_after = std::clamp(*wait, duration::zero(), engine::later_after_max);
    return attempt;
  }
  if (answer.is_interrupted()) return {engine::outcome::interrupted, answer.error().text, std::nullopt, std::nullopt};
  if (answer.has_error()) {
    auto attempt = failed(answer.error());
    attempt.over_limit = answer.is_over_limit();
    return attempt;
  }
  return {engine::outcome::ok, {}, std::move(*answer), std::nullopt};
}

/// For use in a `catch (...)` block.
attempt_result failed_by_exception() { return failed(loop::text_of(std::current_exception())); }

/// Copies a text into a body, and frees the text, on the thread where it runs.
class copying final : public offload::computation {
 public:
  copying(std::string text, std::shared_ptr<body> into) : text_{std::move(text)}, into_{std::move(into)} {}
  offload::progress step() override {
    *into_ = body{text_};
    return offload::progress::done;
  }
  result<std::string> take_result() override { return std::string{}; }

 private:
  std::string text_;
  std::shared_ptr<body> into_;
};

}  // namespace

attempts::attempts(loop::event_loop& loop, offload::thread_pool& threads, handlers::handler handler,
                   offload::execution_site run_on, std::optional<duration> timeout)
    : loop_{loop}, threads_{threads}, handler_{std::move(handler)}, run_on_{run_on}, timeout_{timeout} {
  if (const auto* const quick = std::get_if<std::unique_ptr<handlers::quick_handler>>(&handler_)) quick_ = quick->get();
  if (const auto* const waiting = std::get_if<std::unique_ptr<handlers::waiting_handler>>(&handler_)) {
    const auto* const slow = dynamic_cast<const handlers::slow_cancellation*>(waiting->get());
    if (slow != nullptr) cancellation_length_ = slow->cancellation_length();
  }
}

void attempts::use_processes(offload::worker_pool& pool, std::string handler_text) {
  assert(std::holds_alternative<std::unique_ptr<handlers::computing_handler>>(handler_));
  processes_ = &pool;
  handler_text_ = std::move(handler_text);
}

attempt_result attempts::run_now(const handlers::job& work) {
  try {
    return result_of(quick_->handle(work));
  } catch (...) {
    return failed_by_exception();
  }
}

bool attempts::uses_processes() const noexcept {
  if (processes_ != nullptr) return true;
  const auto* const waiting = std::get_if<std::unique_ptr<handlers::waiting_handler>>(&handler_);
  return waiting != nullptr && *waiting != nullptr && (*waiting)->uses_processes();
}

void attempts::reopen_files() {
  auto* const waiting = std::get_if<std::unique_ptr<handlers::waiting_handler>>(&handler_);
  if (waiting != nullptr && *waiting != nullptr) (*waiting)->reopen_files();
}

void attempts::release_handler() noexcept {
  quick_ = nullptr;
  std::visit([](auto& owned) { owned.reset(); }, handler_);
}

loop::awaitable<attempt_result> attempts::run(handlers::job work, instant deadline) {
  const bool waits = std::holds_alternative<std::unique_ptr<handlers::waiting_handler>>(handler_);
  return waits || processes_ != nullptr ? await(std::move(work), deadline) : compute(std::move(work), deadline);
}

loop::awaitable<attempt_result> attempts::await(handlers::job work, instant deadline) {
  attempt_result attempt;
  bool aborted = false;
  try {
    auto handling = processes_ != nullptr
                        ? ask_process(std::move(work))
                        : std::get<std::unique_ptr<handlers::waiting_handler>>(handler_)->handle(std::move(work));
    if (timeout_) {
      auto answer = co_await loop::with_timeout(loop_, std::move(handling), deadline);
      attempt = answer ? result_of(std::move(*answer)) : too_late();
    } else {
      auto answer = co_await std::move(handling);
      attempt = result_of(std::move(answer));
    }
  } catch (...) {
    aborted = loop::is_cancellation(std::current_exception());
    attempt = failed_by_exception();
  }
  // A handler can throw operation_aborted for reasons of its own: without a cancelled task that is a failure like any
  // other.
  if (aborted) {
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    if (state.cancelled() != boost::asio::cancellation_type::none) attempt = cancelled();
  }
  co_return attempt;
}

loop::awaitable<attempt_result> attempts::compute(handlers::job work, instant deadline) {
  std::unique_ptr<offload::computation> computation;
  auto& handler = *std::get<std::unique_ptr<handlers::computing_handler>>(handler_);
  try {
    auto begun = handler.begin(work);
    if (begun.has_error()) co_return failed(begun.error());
    computation = std::move(*begun);
  } catch (...) {
    co_return failed_by_exception();
  }
  if (computation == nullptr) co_return failed("the handler began no computation");

  const bool large = is_large(work.content.size());
  const auto site = large ? offload::execution_site::threads : run_on_;
  attempt_result attempt;
  bool stopped = false;
  try {
    auto running =
        choice_ != nullptr && !large
            ? offload::run_on(*choice_, work.content.size(), loop_, threads_, std::move(computation), deadline)
            : offload::run_on(site, loop_, threads_, std::move(computation), deadline);
    auto result = co_await std::move(running);
    const bool has_stopped = result.has_error() && result.error().code == errc::cancelled;
    if (result.has_error() && result.error().code == errc::timed_out) {
      attempt = too_late();
    } else if (has_stopped) {
      stopped = true;
      attempt = failed(result.error().text);
    } else {
      attempt = result_of(handler.conclude(work, std::move(result)));
    }
  } catch (...) {
    // A task that was cancelled before the computation began, or no memory to begin it.
    stopped = loop::is_cancellation(std::current_exception());
    attempt = failed_by_exception();
  }
  // The pool also stops computations when it closes: only the task's own cancellation cancels a job.
  if (stopped) {
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    if (state.cancelled() != boost::asio::cancellation_type::none) attempt = cancelled();
  }
  co_return attempt;
}

loop::awaitable<handlers::answer> attempts::ask_process(handlers::job work) {
  offload::worker_task task{.id = work.id,
                            .queue = work.queue,
                            .attempt = work.attempt,
                            .content = std::move(work.content),
                            .handler = handler_text_,
                            .length = &length_};
  auto running = processes_->run(std::move(task));
  auto said = co_await std::move(running);
  if (said.work) length_.note(*said.work);
  co_return handlers::answer_of(std::move(said));
}

bool attempts::needs_thread(const attempt_result& attempt) noexcept {
  return attempt.text && is_large(attempt.text->size());
}

loop::awaitable<> attempts::copy_on_thread(attempt_result& attempt) {
  const auto content = std::make_shared<body>();
  auto running = threads_.run(std::make_unique<copying>(std::move(*attempt.text), content));
  const auto copied = co_await std::move(running);
  attempt.text.reset();
  if (copied.has_value()) {
    attempt.content = std::move(*content);
    co_return;
  }
  // The pool also stops the copy when it closes: only the task's own cancellation cancels a job.
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  const bool is_cancelled = state.cancelled() != boost::asio::cancellation_type::none;
  attempt = is_cancelled ? cancelled() : failed("the answer cannot become a job: " + copied.error().text);
}

attempt_result attempts::too_late() const {
  assert(timeout_);
  return {engine::outcome::timeout, "no answer within " + write_duration(*timeout_), std::nullopt, std::nullopt};
}

}  // namespace millrace::workload
