#include "workload/settlement.hpp"

#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <millrace/base/quantity.hpp>
#include <millrace/loop/deadline.hpp>

#include "base/log.hpp"
#include "engine/group_facts.hpp"
#include "loop/loop_core.hpp"
#include "loop/trace_recorder.hpp"

namespace millrace::workload {

namespace {

/// The body of the output job. On failure the attempt becomes a failed one: an answer can be too long for a body, or
/// for memory.
body output_of(handlers::job& job, attempt_result& attempt) {
  if (attempt.content) return std::move(*attempt.content);
  if (!attempt.text) return std::move(job.content);
  try {
    return body{*attempt.text};
  } catch (const std::exception& exception) {
    attempt = {engine::outcome::failed, std::string{"the answer cannot become a job: "} + exception.what(),
               std::nullopt, std::nullopt};
    return {};
  }
}

/// The priority of the output job. On failure the attempt becomes a failed one, for good.
engine::priority priority_of(const std::optional<job_order>& order, const body& output, attempt_result& attempt) {
  if (!order) return engine::default_priority;
  const auto priority = order->priority_of(output);
  if (priority) return *priority;
  attempt = {engine::outcome::failed, "the output has no order: " + priority.error().text, std::nullopt, std::nullopt};
  attempt.is_final = true;
  return engine::default_priority;
}

/// What the outcome of its group says of a job that was done. One byte more than is kept, so that a cut is noticed.
std::string text_for_group(const attempt_result& attempt) {
  constexpr std::size_t bytes_max = engine::group_text_bytes_max + 1;
  if (attempt.content) return std::string{attempt.content->view().substr(0, bytes_max)};
  return attempt.text ? attempt.text->substr(0, bytes_max) : std::string{};
}

/// What became of the job of a failed attempt.
std::string_view text_of_end(engine::finish_status status) {
  switch (status) {
    case engine::finish_status::retried:
      return "retried";
    case engine::finish_status::postponed:
      return "postponed";
    case engine::finish_status::dead_lettered:
      return "dead_lettered";
    case engine::finish_status::buried:
      return "buried";
    case engine::finish_status::expired:
      return "expired";
    case engine::finish_status::interrupted:
      return "ready";
    default:
      return "gone";
  }
}

}  // namespace

bool settlement::settle(session_id session, handlers::job&& job, attempt_result&& attempt) {
  auto request = this->request(job, attempt);
  const auto requested = request.result;
  const auto failed = failure_of(attempt);
  request.error_text = std::move(attempt.error_text);
  const auto answer = broker_.try_finish(session, std::move(request)).answer;
  if (answer == engine::finish_status::waiting) return false;
  if (answer == engine::finish_status::no_space) {
    if (waits_for_space_.admit())
      log::warning("output_held", "the disk is short of space for an output: the job waits until there is space",
                   {{"consumer", counts_.name}, {"job", job.id.value()}});
    // NOLINTNEXTLINE(bugprone-use-after-move): `try_finish` leaves the request untouched when there is no space
    without_space_.insert_or_assign(session, std::move(request));
    return false;
  }
  if (failed) log_failure(*failed, job.id, job.queue, answer);
  settled(answer, requested, job.id, job.queue);
  return true;
}

loop::awaitable<> settlement::admitted(session_id session, job_id job, std::string_view queue) {
  // Only the output of a job that succeeded waits.
  if (auto held = without_space_.extract(session)) {
    engine::finish_answer answer{.status = engine::finish_status::no_space};
    while (answer == engine::finish_status::no_space) {
      co_await loop::sleep_for(loop_, space_check_interval);
      answer = broker_.try_finish(session, std::move(held.mapped())).answer;
    }
    if (answer != engine::finish_status::waiting) co_return settled(answer, engine::outcome::ok, job, queue);
  }
  const auto finished = co_await broker_.finished(session, job);
  settled(finished.answer, engine::outcome::ok, job, queue);
}

/// Without the error text.
engine::finish_request settlement::request(handlers::job& job, attempt_result& attempt) const {
  engine::finish_request request;
  if (attempt.in_group && attempt.outcome == engine::outcome::ok) request.result_text = text_for_group(attempt);
  body content;
  auto priority = engine::default_priority;
  if (attempt.outcome == engine::outcome::ok && destinations_.output) content = output_of(job, attempt);
  if (attempt.outcome == engine::outcome::ok && destinations_.output)
    priority = priority_of(destinations_.output_order, content, attempt);
  request.job = job.id;
  request.result = attempt.outcome;
  request.dead_letter = destinations_.dead_letter;  // also of a job that was done, but whose output queue is full
  request.retry = destinations_.retry;
  if (attempt.outcome == engine::outcome::ok) {
    if (destinations_.output)
      request.outputs.push_back({*destinations_.output, {.content = std::move(content), .priority = priority}});
    return request;
  }
  if (attempt.outcome == engine::outcome::later) {
    request.later_after = attempt.later_after;
  } else {
    request.is_final = attempt.is_final;
    request.over_limit = attempt.over_limit;
  }
  if (attempt.outcome == engine::outcome::interrupted) request.deliveries_max = engine::process_deliveries_max;
  return request;
}

std::optional<settlement::failure> settlement::failure_of(const attempt_result& attempt) {
  if (attempt.outcome == engine::outcome::ok || attempt.outcome == engine::outcome::later) return std::nullopt;
  if (!failures_.admit()) return std::nullopt;
  auto cause = attempt.is_final ? engine::reason::rejected : engine::reason::failed;
  if (attempt.over_limit && !attempt.is_final) cause = engine::reason::limit;
  if (attempt.outcome == engine::outcome::timeout) cause = engine::reason::timeout;
  if (attempt.outcome == engine::outcome::interrupted) cause = engine::reason::undeliverable;
  return failure{attempt.error_text.substr(0, engine::error_text_bytes_max), cause};
}

void settlement::log_failure(const failure& failed, job_id job, std::string_view queue,
                             const engine::finish_answer& answer) const {
  const bool is_interrupted = answer == engine::finish_status::interrupted;
  const bool is_retried = answer == engine::finish_status::retried || is_interrupted;
  log::warning(is_interrupted ? "job_interrupted" : "job_failed", failed.text,
               {{"consumer", counts_.name},
                {"queue", queue},
                {"job", job.value()},
                {"outcome", engine::name_of(answer.outcome)},
                {"reason", engine::name_of(failed.cause)},
                {"then", text_of_end(answer.status)},
                {"retry_in", is_retried ? write_duration(answer.retry_in) : std::string{"never"}}});
}

void settlement::trace(engine::outcome outcome, std::string_view then) {
  if (auto* const trace = loop_.core().trace) trace->note_outcome(engine::name_of(outcome), then);
}

void settlement::settled(const engine::finish_answer& answer, engine::outcome requested, job_id job,
                         std::string_view queue) {
  trace(answer.outcome, answer == engine::finish_status::done ? std::string_view{} : text_of_end(answer.status));
  if (answer == engine::finish_status::retried) {
    counts_.retried.add();
  } else if (answer == engine::finish_status::postponed) {
    counts_.postponed.add();
  } else if (answer == engine::finish_status::interrupted) {
    counts_.interrupted.add();
  } else {
    count(answer.outcome);
  }
  if (answer.outcome != engine::outcome::failed) return;
  if (requested == engine::outcome::ok && failures_.admit()) {
    log_failure(
        {"the job succeeded, but " + std::string{engine::text_of_output_refusal(answer.refusal)}, answer.refusal}, job,
        queue, answer);
  }
  if (requested == engine::outcome::later && failures_.admit()) {
    log_failure(
        {"the handler wanted the job again later, too often or beyond the time for retries", engine::reason::failed},
        job, queue, answer);
  }
}

}  // namespace millrace::workload
