#include "workload/settlement.hpp"

#include <exception>
#include <string_view>
#include <utility>

#include "base/log.hpp"

namespace millrace::workload {

namespace {

/// The body of the output job. On failure the attempt becomes a failed one: an answer can be too long for a body, or
/// for memory.
body output_of(handlers::job& job, attempt& came) {
  if (came.content) return std::move(*came.content);
  if (!came.text) return std::move(job.content);
  try {
    return body{*came.text};
  } catch (const std::exception& thrown) {
    came = {engine::outcome::failed, std::string{"the answer cannot become a job: "} + thrown.what(), std::nullopt,
            std::nullopt};
    return {};
  }
}

}  // namespace

bool settlement::settle(session_id session, handlers::job&& job, attempt&& came) {
  auto request = this->request(std::move(job), std::move(came));
  const bool succeeded = request.result == engine::outcome::ok;
  const auto answer = broker_.try_finish(session, std::move(request)).answer;
  if (answer == engine::finish_status::waiting) return false;
  settled(answer, succeeded);
  return true;
}

loop::awaitable<> settlement::admitted(session_id session, job_id job) {
  const auto finished = co_await broker_.finished(session, job);
  settled(finished.answer, true);  // only the output of a job that succeeded waits
}

engine::finish_request settlement::request(handlers::job&& job, attempt&& came) {
  engine::finish_request request;
  body content;
  if (came.result == engine::outcome::ok && destinations_.output) content = output_of(job, came);
  request.job = job.id;
  request.result = came.result;
  request.dead_letter = destinations_.dead_letter;  // also of a job that was done, but whose output finds no room
  if (came.result == engine::outcome::ok) {
    if (destinations_.output) request.outputs.push_back({*destinations_.output, {.content = std::move(content)}});
    return request;
  }
  if (log_.admit()) {
    log::warning("job_failed", std::string_view{came.error_text}.substr(0, engine::error_text_bytes_max),
                 {{"consumer", counts_.name},
                  {"queue", job.queue},
                  {"job", job.id.value()},
                  {"outcome", engine::name_of(came.result)}});
  }
  request.error_text = std::move(came.error_text);
  return request;
}

void settlement::settled(const engine::finish_answer& answer, bool succeeded) {
  count(answer.outcome);
  if (succeeded && answer.outcome == engine::outcome::failed && log_.admit()) {
    log::warning("job_failed", "the job succeeded, but its output queue is full",
                 {{"consumer", counts_.name}, {"outcome", engine::name_of(answer.outcome)}});
  }
}

}  // namespace millrace::workload
