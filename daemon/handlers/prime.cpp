#include "handlers/prime.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "handlers/prime_fast.hpp"
#include "handlers/prime_large.hpp"
#include "handlers/prime_trial.hpp"
#include "handlers/prime_verdict.hpp"
#include "handlers/quoted.hpp"

namespace millrace::handlers {

const options_of<prime_options>& prime_option_table() {
  static const auto table =
      options_of<prime_options>{}
          .choice("method", &prime_options::method, {{"fast", prime_method::fast}, {"trial", prime_method::trial}},
                  "Fast is proven up to 64 bits and Baillie-PSW beyond; trial divides, up to 64 bits.")
          .count("bits_max", &prime_options::bits_max, {.least = 1, .most = prime_bits_limit},
                 "Bits of the longest number that is tested.");
  return table;
}

namespace {

/// No number of `bits` bits has more decimal digits: one more than `bits` times log10(2), rounded up.
constexpr std::size_t digits_of_bits(std::size_t bits) { return bits * 30'103 / 100'000 + 1; }
static_assert(digits_of_bits(1) == 1 && digits_of_bits(4) == 2 && digits_of_bits(64) == 20 &&
              digits_of_bits(4096) == 1234);

bool all_digits(std::string_view text) { return text.find_first_not_of("0123456789") == std::string_view::npos; }

/// The digits of the number, without blanks and zeros around them. Looks no further than `digits_max` digits, however many come.
result<std::string_view> number_in(std::string_view content, std::size_t digits_max, std::uint32_t bits_max) {
  const std::string_view text = without_blanks(content);
  if (text.empty() || !all_digits(text.substr(0, digits_max + 1))) return invalid(quoted(text) + " is not a number");
  const std::size_t first = std::min(text.find_first_not_of('0'), text.size() - 1);
  const std::string_view digits = text.substr(first);
  if (!all_digits(digits.substr(0, digits_max + 1))) return invalid(quoted(text) + " is not a number");
  if (digits.size() > digits_max) return prime_too_long(digits, bits_max);
  return digits;
}

std::optional<std::uint64_t> in_64_bits(std::string_view digits) {
  std::uint64_t number = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec != std::errc{}) return std::nullopt;
  return number;
}

}  // namespace

prime::prime(const prime_options& options, const surroundings&)
    : options_{options}, digits_max_{digits_of_bits(options.bits_max)} {}

result<std::unique_ptr<offload::computation>> prime::begin(const job& work) {
  const result<std::string_view> digits = number_in(work.content.view(), digits_max_, options_.bits_max);
  if (!digits) return digits.error();
  if (const std::optional<std::uint64_t> number = in_64_bits(*digits)) {
    if (static_cast<std::uint32_t>(std::bit_width(*number)) > options_.bits_max)
      return prime_too_long(*digits, options_.bits_max);
    return options_.method == prime_method::fast ? prime_fast(*number) : prime_trial(*number);
  }
  if (options_.bits_max <= 64) return prime_too_long(*digits, options_.bits_max);
  if (options_.method == prime_method::trial) {
    return error{errc::out_of_range, quoted(*digits) + ", a number of " + std::to_string(digits->size()) +
                                         " digits, is longer than the 64 bits of method trial"};
  }
  return prime_large(work.content, *digits, options_.bits_max);
}

}  // namespace millrace::handlers
