#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <millrace/loop/task.hpp>

#include "http/routes.hpp"

namespace millrace::control {

/// What is wrong with the settings file, or what cannot change while the daemon runs.
struct complaint {
  std::string key;  ///< `daemon.data_dir`
  std::string message;
  std::string expected;
  std::size_t line{0};  ///< 0: of no line
  std::size_t column{0};
};

/// The result of a reload. It is applied whole, or nothing is changed.
struct reload_result {
  enum class outcome_kind {
    applied,
    invalid,  ///< the file has errors
    refused,  ///< the file is valid, but it cannot be applied now
  };
  outcome_kind outcome{outcome_kind::applied};
  std::vector<std::string> changes;  ///< when applied, a sentence each
  std::vector<complaint> complaints;
};

/// Reads the settings file again, applies it, and returns when it is applied or refused.
using reload_function = std::function<loop::awaitable<reload_result>()>;

struct context;

/// Adds `POST /v1/reload`: 200 if the settings are applied, 409 if not, 501 while the context has no such function, 503
/// while the daemon starts, recovers or drains.
/// Requires: `context` outlives the routes.
void add_reload(http::routes& routes, const context& context);

}  // namespace millrace::control
