#pragma once

#include <cstdint>
#include <memory>

#include <millrace/offload/computation.hpp>

namespace millrace::handlers {

/// Divisions in one step: 0.3 ms at 3 ns for each division, 1 to 3 ms on processors before 2018.
inline constexpr std::uint32_t trial_divisions_per_step = 100'000;

/// Trial division by 2 and all odd numbers up to the square root, in steps, so that other tasks of the loop can run
/// between them. Up to 2^31 divisions for the largest numbers.
[[nodiscard]] std::unique_ptr<offload::computation> prime_trial(std::uint64_t number);

}  // namespace millrace::handlers
