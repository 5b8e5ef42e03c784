#include "workload/settlement.hpp"

#include <exception>
#include <string_view>
#include <utility>

#include "base/log.hpp"

namespace millrace::workload {

namespace {

/// The body of the output job. On failure the attempt becomes a failed one: an answer can be too long for a body, or for memory.
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

engine::finish_request settlement::request(handlers::job&& job, attempt&& came) {
  engine::finish_request what;
  body content;
  if (came.result == engine::outcome::ok && where_.output) content = output_of(job, came);
  what.job = job.id;
  what.result = came.result;
  what.dead_letter = where_.dead_letter;  // also of a job that was done, but whose output finds no room
  if (came.result == engine::outcome::ok) {
    if (where_.output) what.outputs.push_back({*where_.output, {.content = std::move(content)}});
    return what;
  }
  if (log_.admit()) {
    log::warning("job_failed", std::string_view{came.error_text}.substr(0, engine::error_text_bytes_max),
                 {{"consumer", counts_.name},
                  {"queue", job.queue},
                  {"job", job.id.value()},
                  {"outcome", engine::name_of(came.result)}});
  }
  what.error_text = std::move(came.error_text);
  return what;
}

void settlement::settled(engine::outcome asked, engine::finish_status answer) {
  switch (answer) {
    case engine::finish_status::buried:
    case engine::finish_status::dead_lettered:
      if (asked != engine::outcome::ok) {
        count(asked);
        break;
      }
      count(engine::outcome::failed);
      if (log_.admit()) {
        log::warning("job_failed", "the job succeeded, but its output queue is full",
                     {{"consumer", counts_.name}, {"outcome", engine::name_of(engine::outcome::failed)}});
      }
      break;
    case engine::finish_status::not_found:
      count(engine::outcome::deleted);
      break;
    default:
      count(asked);
      break;
  }
}

}  // namespace millrace::workload
