#pragma once

#include <cstdint>
#include <optional>

#include <millrace/base/ids.hpp>
#include <millrace/base/time.hpp>

#include "engine/retry_options.hpp"

/// When a failed job is tried again: from the number of its failures to a wait. Pure functions, so that the engine
/// gives the same answers to the same commands.
namespace millrace::engine {

/// The wait before the next attempt of a job that has failed `failures` times; none: it has failed as often as it may.
/// The jitter comes from a hash of job and failures, so that jobs that failed together are not tried again together.
/// Requires: `failures` is not 0 (asserted).
[[nodiscard]] std::optional<duration> wait_before_retry(const retry_options& options, job_id job,
                                                        std::uint32_t failures);

/// Whether `within` allows that a job which was put at `put_at` is due at `due`.
[[nodiscard]] bool is_within(const retry_options& options, instant put_at, instant due) noexcept;

}  // namespace millrace::engine
