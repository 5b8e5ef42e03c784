#pragma once

#include <cstdint>
#include <optional>

#include <millrace/base/option.hpp>
#include <millrace/base/time.hpp>

namespace millrace::engine {

/// How the wait before the next attempt grows with the number of failures n: `first`; `first`·n; `first`·2^(n-1).
enum class backoff : std::uint8_t { constant, linear, exponential };

/// When a failed job is tried again. The wait is at most `max`, and is multiplied by a factor between 1 - `jitter` and
/// 1 + `jitter`, which depends on the job and its failures only.
struct retry_options {
  std::uint32_t attempts{1};  ///< failures after which the job is not tried again; 1: no retry
  engine::backoff backoff{engine::backoff::exponential};
  duration first{std::chrono::seconds{1}};
  duration max{std::chrono::hours{1}};
  double jitter{0.2};                ///< 0 to 1
  std::optional<duration> within{};  ///< from the put: no attempt is due later

  friend bool operator==(const retry_options&, const retry_options&) = default;
};

[[nodiscard]] const options_of<retry_options>& retry_option_table();

}  // namespace millrace::engine
