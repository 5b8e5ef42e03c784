#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <millrace/base/result.hpp>

namespace millrace::handlers {

/// The text of the result, the same for all methods: `157 is a prime number.`
[[nodiscard]] std::string prime_verdict(std::string_view digits, bool is_prime);
[[nodiscard]] std::string prime_verdict(std::uint64_t number, bool is_prime);

[[nodiscard]] error number_too_long(std::string_view digits, std::uint32_t bits_max);

}  // namespace millrace::handlers
