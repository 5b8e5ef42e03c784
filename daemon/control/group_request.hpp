#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "control/answers.hpp"
#include "control/context.hpp"
#include "engine/command.hpp"
#include "engine/group_facts.hpp"

namespace millrace::control {

/// Jobs of one request.
inline constexpr std::size_t group_jobs_max = 10'000;

/// A request that puts jobs together.
struct group_put {
  struct job {
    std::string queue;
    engine::put_request request;
  };
  engine::group_request group;
  std::vector<job> jobs;
};

/// Reads the body of a `POST /v1/groups`.
[[nodiscard]] checked<group_put> read_group_put(const http::request& request);

}  // namespace millrace::control
