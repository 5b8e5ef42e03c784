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
#include "handlers/quote.hpp"

namespace millrace::handlers {

const options_of<prime_options>& prime_option_table() {
  static const auto table =
      options_of<prime_options>{}
          .choice("method", &prime_options::method, {{"fast", prime_method::fast}, {"trial", prime_method::trial}},
                  "Fast is proven up to 64 bits and uses Baillie-PSW beyond; trial is trial division up to 64 bits.")
          .count("bits_max", &prime_options::bits_max, {.least = 1, .most = prime_bits_limit},
                 "Length in bits of the longest number that is tested.");
  return table;
}

namespace {

/// The most decimal digits of a number of `bits` bits: one more than the whole part of `bits` times
/// log10(2), which is rounded up.
constexpr std::size_t digits_of_bits(std::size_t bits) { return bits * 30'103 / 100'000 + 1; }
static_assert(digits_of_bits(1) == 1 && digits_of_bits(4) == 2 && digits_of_bits(64) == 20 &&
              digits_of_bits(4096) == 1234);

bool all_digits(std::string_view text) { return text.find_first_not_of("0123456789") == std::string_view::npos; }

/// The digits of the number without leading zeros. Reads at most `digits_max` digits and one more.
result<std::string_view> find_digits(std::string_view text, std::size_t digits_max, std::uint32_t bits_max) {
  if (text.empty() || !all_digits(text.substr(0, digits_max + 1))) return rejected(quote(text) + " is not a number");
  const std::size_t first = std::min(text.find_first_not_of('0'), text.size() - 1);
  const std::string_view digits = text.substr(first);
  if (!all_digits(digits.substr(0, digits_max + 1))) return rejected(quote(text) + " is not a number");
  if (digits.size() > digits_max) return number_too_long(digits, bits_max);
  return digits;
}

/// nullopt if the number is longer than 64 bits.
std::optional<std::uint64_t> parse_64_bits(std::string_view digits) {
  std::uint64_t number = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec != std::errc{}) return std::nullopt;
  return number;
}

/// The computation for the number in `text`. Requires: `text` is part of `content`, without white space around it.
result<std::unique_ptr<offload::computation>> computation_for(const prime_options& options, const body& content,
                                                              std::string_view text) {
  const result<std::string_view> digits = find_digits(text, digits_of_bits(options.bits_max), options.bits_max);
  if (!digits) return digits.error();
  if (const std::optional<std::uint64_t> number = parse_64_bits(*digits)) {
    if (static_cast<std::uint32_t>(std::bit_width(*number)) > options.bits_max)
      return number_too_long(*digits, options.bits_max);
    return options.method == prime_method::fast ? prime_fast(*number) : prime_trial(*number);
  }
  if (options.bits_max <= 64) return number_too_long(*digits, options.bits_max);
  if (options.method == prime_method::trial) {
    return rejected(quote(*digits) + ", a number of " + std::to_string(digits->size()) +
                    " digits, is longer than the 64 bits of method trial");
  }
  return prime_large(content, *digits, options.bits_max);
}

/// Removes white space and leading zeros from a large body, one piece in each step, then tests the number.
class large_body_test : public offload::computation {
 public:
  large_body_test(const prime_options& options, body content)
      : options_{options}, content_{std::move(content)}, text_{content_.view()} {}

  offload::progress step() override {
    if (test_ != nullptr) return test_->step();
    if (drop_leading_blanks() || drop_trailing_blanks() || drop_zeros()) return offload::progress::more;
    auto begun = computation_for(options_, content_, text_);
    if (!begun) {
      failure_ = begun.error();
      return offload::progress::done;
    }
    test_ = std::move(*begun);
    return offload::progress::more;
  }

  result<std::string> take_result() override {
    if (failure_) return *failure_;
    return test_->take_result();
  }

 private:
  // Each function returns true if it dropped a whole piece: then there may be more to drop.

  bool drop_leading_blanks() {
    const std::string_view piece = text_.substr(0, prime::trimmed_bytes_a_step);
    const std::size_t dropped = std::min(piece.find_first_not_of(blanks), piece.size());
    text_.remove_prefix(dropped);
    return dropped == prime::trimmed_bytes_a_step;
  }
  bool drop_trailing_blanks() {
    const std::string_view piece = text_.substr(text_.size() - std::min(text_.size(), prime::trimmed_bytes_a_step));
    const std::size_t kept = piece.find_last_not_of(blanks) + 1;  // npos + 1 is none
    text_.remove_suffix(piece.size() - kept);
    return piece.size() - kept == prime::trimmed_bytes_a_step;
  }
  /// Keeps the last character, since the number may be 0.
  bool drop_zeros() {
    const std::size_t droppable = text_.empty() ? 0 : text_.size() - 1;
    const std::string_view piece = text_.substr(0, std::min(droppable, prime::trimmed_bytes_a_step));
    const std::size_t dropped = std::min(piece.find_first_not_of('0'), piece.size());
    text_.remove_prefix(dropped);
    return dropped == prime::trimmed_bytes_a_step;
  }

  prime_options options_;
  body content_;
  std::string_view text_;  ///< the remaining part of `content_`
  std::unique_ptr<offload::computation> test_;
  std::optional<error> failure_;
};

}  // namespace

prime::prime(const prime_options& options, const handler_context&) : options_{options} {}

result<std::unique_ptr<offload::computation>> prime::begin(const job& work) {
  if (work.content.size() > read_at_once_bytes_max)
    return std::unique_ptr<offload::computation>{std::make_unique<large_body_test>(options_, work.content)};
  return computation_for(options_, work.content, trim(work.content.view()));
}

}  // namespace millrace::handlers
