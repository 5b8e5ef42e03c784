#pragma once

#include <cstdint>
#include <memory>

#include <millrace/offload/computation.hpp>

namespace millrace::handlers {

/// Divisions of one step of `prime_trial`: 0.3 ms where a division takes 3 ns, 1 to 3 ms on processors before 2018.
inline constexpr std::uint32_t trial_divisions_per_step = 100'000;

/// Trial division by 2 and all odd numbers up to the square root, in slices, so that on the loop others get their
/// turns. Up to 2^31 divisions for the largest numbers.
[[nodiscard]] std::unique_ptr<offload::computation> prime_trial(std::uint64_t number);

}  // namespace millrace::handlers
