#pragma once

#include <cstdint>
#include <memory>

#include <millrace/offload/computation.hpp>

namespace millrace::handlers {

/// Says in one step, of two microseconds at most, whether `number` is prime: proven.
[[nodiscard]] std::unique_ptr<offload::computation> prime_fast(std::uint64_t number);

}  // namespace millrace::handlers
