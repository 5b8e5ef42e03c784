#include "workload/settlement.hpp"

#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <millrace/loop/deadline.hpp>

#include "base/log.hpp"
#include "engine/group_facts.hpp"

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

/// What the outcome of its group says of a job that was done. One byte more than is kept, so that a cut is noticed.
std::string text_for_group(const attempt_result& attempt) {
  constexpr std::size_t bytes_max = engine::group_text_bytes_max + 1;
  if (attempt.content) return std::string{attempt.content->view().substr(0, bytes_max)};
  return attempt.text ? attempt.text->substr(0, bytes_max) : std::string{};
}

}  // namespace

bool settlement::settle(session_id session, handlers::job&& job, attempt_result&& attempt) {
  auto request = this->request(std::move(job), std::move(attempt));
  const auto requested = request.result;
  const auto id = request.job;
  const auto answer = broker_.try_finish(session, std::move(request)).answer;
  if (answer == engine::finish_status::waiting) return false;
  if (answer == engine::finish_status::no_space) {
    if (waits_for_space_.admit())
      log::warning("output_held", "the disk is short of space for an output: the job waits until there is space",
                   {{"consumer", counts_.name}, {"job", id.value()}});
    // NOLINTNEXTLINE(bugprone-use-after-move): `try_finish` leaves the request untouched when there is no space
    without_space_.insert_or_assign(session, std::move(request));
    return false;
  }
  settled(answer, requested, id);
  return true;
}

loop::awaitable<> settlement::admitted(session_id session, job_id job) {
  // Only the output of a job that succeeded waits.
  if (auto held = without_space_.extract(session)) {
    engine::finish_answer answer{.status = engine::finish_status::no_space};
    while (answer == engine::finish_status::no_space) {
      co_await loop::sleep_for(loop_, space_check_interval);
      answer = broker_.try_finish(session, std::move(held.mapped())).answer;
    }
    if (answer != engine::finish_status::waiting) co_return settled(answer, engine::outcome::ok, job);
  }
  const auto finished = co_await broker_.finished(session, job);
  settled(finished.answer, engine::outcome::ok, job);
}

engine::finish_request settlement::request(handlers::job&& job, attempt_result&& attempt) {
  engine::finish_request request;
  if (attempt.in_group && attempt.outcome == engine::outcome::ok) request.result_text = text_for_group(attempt);
  body content;
  if (attempt.outcome == engine::outcome::ok && destinations_.output) content = output_of(job, attempt);
  request.job = job.id;
  request.result = attempt.outcome;
  request.dead_letter = destinations_.dead_letter;  // also of a job that was done, but whose output finds no room
  request.retry = destinations_.retry;
  if (attempt.outcome == engine::outcome::ok) {
    if (destinations_.output) request.outputs.push_back({*destinations_.output, {.content = std::move(content)}});
    return request;
  }
  if (attempt.outcome == engine::outcome::later) {
    request.later_after = attempt.later_after;
    request.error_text = std::move(attempt.error_text);  // kept if the job has asked for it too often
    return request;
  }
  request.is_final = attempt.is_final;
  if (failures_.admit()) {
    log::warning("job_failed", std::string_view{attempt.error_text}.substr(0, engine::error_text_bytes_max),
                 {{"consumer", counts_.name},
                  {"queue", job.queue},
                  {"job", job.id.value()},
                  {"outcome", engine::name_of(attempt.outcome)}});
  }
  request.error_text = std::move(attempt.error_text);
  return request;
}

void settlement::settled(const engine::finish_answer& answer, engine::outcome requested, job_id job) {
  if (answer == engine::finish_status::retried) {
    counts_.retried.add();
  } else if (answer == engine::finish_status::postponed) {
    counts_.postponed.add();
  } else {
    count(answer.outcome);
  }
  if (answer.outcome != engine::outcome::failed) return;
  if (requested == engine::outcome::ok && failures_.admit()) {
    log::warning("job_failed", "the job succeeded, but " + std::string{engine::text_of_output_refusal(answer.refusal)},
                 {{"consumer", counts_.name},
                  {"job", job.value()},
                  {"outcome", engine::name_of(answer.outcome)},
                  {"reason", engine::name_of(answer.refusal)}});
  }
  if (requested == engine::outcome::later && failures_.admit()) {
    log::warning("job_failed", "the handler wanted the job again later, too often or beyond the time for retries",
                 {{"consumer", counts_.name}, {"job", job.value()}, {"outcome", engine::name_of(answer.outcome)}});
  }
}

}  // namespace millrace::workload
