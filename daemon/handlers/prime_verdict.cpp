#include "handlers/prime_verdict.hpp"

#include <array>
#include <charconv>

#include "handlers/quote.hpp"

namespace millrace::handlers {

std::string prime_verdict(std::string_view digits, bool is_prime) {
  const std::string_view words = is_prime ? " is a prime number." : " is not a prime number.";
  std::string text;
  text.reserve(digits.size() + words.size());
  return text.append(digits).append(words);
}

std::string prime_verdict(std::uint64_t number, bool is_prime) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return prime_verdict(std::string_view{digits.data(), end}, is_prime);
}

error number_too_long(std::string_view digits, std::uint32_t bits_max) {
  return rejected(quote(digits) + ", a number of " + std::to_string(digits.size()) +
                  " digits, is longer than bits_max (" + std::to_string(bits_max) + " bits)");
}

}  // namespace millrace::handlers
