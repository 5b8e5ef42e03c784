#pragma once

#include <string>
#include <utility>
#include <vector>

#include <millrace/handlers/handler.hpp>

#include "handlers/program.hpp"

namespace millrace::handlers {

/// Handles one job, and adds its result to `outcomes`.
inline loop::awaitable<> handle_one(waiting_handler& waiting, std::string content, std::vector<std::string>& outcomes) {
  const answer got = co_await waiting.handle(job_with(content));
  outcomes.push_back(got ? content + ": " + got->value_or("done") : content + ": " + got.error().text);
}

/// Handles one job after another, as a slot of a consumer does.
inline loop::awaitable<> handle_all(waiting_handler& waiting, std::vector<std::string> contents,
                                    std::vector<std::string>& outcomes) {
  for (std::string& content : contents) co_await handle_one(waiting, std::move(content), outcomes);
}

}  // namespace millrace::handlers
