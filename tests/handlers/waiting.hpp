#pragma once

#include <string>
#include <utility>
#include <vector>

#include <millrace/handlers/handler.hpp>

#include "handlers/program.hpp"

namespace millrace::handlers {

/// One job; what became of it is added to `outcomes`.
inline loop::awaitable<> handle_one(waiting_handler& with, std::string content, std::vector<std::string>& outcomes) {
  const answer got = co_await with.handle(job_with(content));
  outcomes.push_back(got ? content + ": " + got->value_or("done") : content + ": " + got.error().text);
}

/// One job after another, as a slot does.
inline loop::awaitable<> handle_all(waiting_handler& with, std::vector<std::string> contents,
                                    std::vector<std::string>& outcomes) {
  for (std::string& each : contents) co_await handle_one(with, std::move(each), outcomes);
}

}  // namespace millrace::handlers
