#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>

namespace millrace::handlers {

enum class prime_method { fast, trial };

/// The greatest value of `bits_max`.
inline constexpr std::uint32_t prime_bits_limit = 1u << 20;

struct prime_options {
  prime_method method{prime_method::fast};
  std::uint32_t bits_max{4096};
};
[[nodiscard]] const options_of<prime_options>& prime_option_table();

/// Tests whether the number in the body is prime: `157 is a prime number.` or `158 is not a prime number.`
///
/// `fast` is proven up to 64 bits (FLINT). Beyond, it is the test of Baillie, Pomerance, Selfridge and Wagstaff; no
/// composite number is known that passes it. `trial` is trial division, up to 64 bits.
///
/// The body has decimal digits, with white space around them and leading zeros if desired. Other bodies and numbers
/// longer than `bits_max` fail the job. A number with too many digits is refused before it is converted.
class prime : public computing_handler {
 public:
  /// Longer bodies are parsed in steps of the computation.
  static constexpr std::size_t read_at_once_bytes_max = 4'096;
  static constexpr std::size_t trimmed_bytes_a_step = std::size_t{256} * 1024;

  prime(const prime_options& options, const handler_context&);
  result<std::unique_ptr<offload::computation>> begin(const job& work) override;

 private:
  prime_options options_;
};

/// The test of `fast` for 64 bits. Proven. Any thread.
[[nodiscard]] bool is_prime(std::uint64_t number);

}  // namespace millrace::handlers
