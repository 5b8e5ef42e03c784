#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include <millrace/base/body.hpp>
#include <millrace/offload/computation.hpp>

namespace millrace::handlers {

/// Tests a number of more than 64 bits: division by small primes, then the test of Baillie and Wagstaff, "Lucas
/// pseudoprimes", Mathematics of Computation 35 (1980), which is a strong test to base 2 and a Lucas test with the
/// parameters of Selfridge. No composite number is known that passes both.
///
/// A step takes 1 to 2 ms up to 4096 bits (a prime of this length takes 29 steps). It has at least one multiplication,
/// which takes 3 ms at a million bits. Reading such a number takes 6 ms. A number of more than `bits_max` bits fails.
/// Requires: `digits` is part of `content`, decimal, without leading zeros.
[[nodiscard]] std::unique_ptr<offload::computation> prime_large(body content, std::string_view digits,
                                                                std::uint32_t bits_max);

}  // namespace millrace::handlers
