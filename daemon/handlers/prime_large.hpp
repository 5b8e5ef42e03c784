#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include <millrace/base/body.hpp>
#include <millrace/offload/computation.hpp>

namespace millrace::handlers {

/// Tests a number beyond 64 bits: division by small primes, then the test of Baillie and Wagstaff, "Lucas
/// pseudoprimes", Mathematics of Computation 35 (1980): a strong test to base 2 and a Lucas test with Selfridge's
/// parameters. No composite number is known to pass both.
///
/// Cut into steps of 1 to 2 ms up to 4096 bits (29 steps for a prime of that length); a single multiplication, the
/// least there can be, takes 3 ms at a million bits, and reading so long a number 6 ms. `digits`: decimal, within
/// `content`, no zeros in front. A number of more than `bits_max` bits fails.
[[nodiscard]] std::unique_ptr<offload::computation> prime_large(body content, std::string_view digits,
                                                                std::uint32_t bits_max);

}  // namespace millrace::handlers
