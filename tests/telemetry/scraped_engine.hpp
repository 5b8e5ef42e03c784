#pragma once

#include <cstddef>
#include <string>

#include "loop/task_scope.hpp"
#include "support/catch.hpp"
#include "telemetry/queue_metrics.hpp"

namespace millrace::testing {

/// When the jobs of a `scraped_engine` are put.
inline constexpr instant put_time{hours{1}};

/// An engine, and the metrics of its queues in successive scrapes.
class scraped_engine {
 public:
  explicit scraped_engine(engine::engine_options limits = {}) : engine{limits} {}

  telemetry::queue_copy copy() {
    telemetry::queue_copy copied;
    tasks.spawn("copy", copy_into(metrics, loop, engine, copied));
    loop.run_ready();
    REQUIRE(tasks.size() == 0);
    return copied;
  }
  queue_id declare(const std::string& name) { return engine.declare(name, {}).value(); }
  void put(queue_id queue, int jobs = 1) {
    for (int i = 0; i < jobs; ++i) engine.put(session, queue, {.content = body{"abc"}}, put_time);
  }

  static loop::awaitable<> copy_into(telemetry::queue_metrics& from, loop::event_loop& loop,
                                     const engine::engine& engine, telemetry::queue_copy& into) {
    into = co_await from.copy(loop, engine);
  }

  loop::event_loop loop{loop::clock_kind::manual};
  loop::task_scope tasks{loop};
  engine::engine engine;
  telemetry::shown_buckets buckets{telemetry::queue_bounds()};
  telemetry::queue_metrics metrics{buckets};
  session_id session{engine.open_session()};
};

inline std::string text_of(const telemetry::queue_copy& copied) {
  telemetry::exposition page{telemetry::shown_buckets{}};
  telemetry::write(page, copied);
  return std::move(page).text();
}

inline bool has_line(const std::string& text, const std::string& line) {
  return text.find("\n" + line + "\n") != std::string::npos;
}

/// How many lines begin with `prefix`.
inline std::size_t lines_of(const std::string& text, const std::string& prefix) {
  std::size_t count = 0;
  for (auto at = text.find("\n" + prefix); at != std::string::npos; at = text.find("\n" + prefix, at + 1)) ++count;
  return count;
}

}  // namespace millrace::testing
