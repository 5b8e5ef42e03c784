#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>

namespace millrace::handlers {

enum class prime_method { fast, trial };

/// The longest number that `bits_max` may be set to allow.
inline constexpr std::uint32_t prime_bits_limit = 1u << 20;

struct prime_options {
  prime_method method{prime_method::fast};
  std::uint32_t bits_max{4096};
};
[[nodiscard]] const options_of<prime_options>& prime_option_table();

/// Is the number in the body prime? `157 is a prime number.` / `158 is not a prime number.`
///
/// `fast`: proven up to 64 bits (FLINT); beyond, the test of Baillie, Pomerance, Selfridge and Wagstaff, to which no
/// composite number is known that passes. `trial`: trial division, up to 64 bits. A body is decimal digits; blanks
/// around it and zeros in front of it do not matter. Anything else fails the job, and so does a number longer than
/// `bits_max`: before it is converted where its digits alone say so.
class prime : public computing_handler {
 public:
  /// Longer bodies are searched for their number in steps of the computation.
  static constexpr std::size_t read_at_once_bytes_max = 4'096;
  static constexpr std::size_t trimmed_bytes_a_step = std::size_t{256} * 1024;

  prime(const prime_options& options, const surroundings&);
  result<std::unique_ptr<offload::computation>> begin(const job& work) override;

 private:
  prime_options options_;
};

/// The core of `fast` for 64 bits, without the job around it. Proven. Any thread.
[[nodiscard]] bool is_prime(std::uint64_t number);

}  // namespace millrace::handlers
