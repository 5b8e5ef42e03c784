#include "sources/random.hpp"

#include <array>
#include <charconv>
#include <string_view>

#include <millrace/loop/deadline.hpp>

#include "base/digest.hpp"

namespace millrace::sources {

const options_of<random_options>& random_option_table() {
  static const auto table = options_of<random_options>{}
                                .count("bits", &random_options::bits, {.least = 1, .most = random_bits_limit},
                                       "Length of the numbers in bits.")
                                .count("seed", &random_options::seed, {}, "The same seed gives the same numbers.");
  return table;
}

result<std::unique_ptr<source>> random::make(const random_options& options, const source_context& context) {
  return std::unique_ptr<source>{std::make_unique<random>(options, context.loop)};
}

random::random(const random_options& options, loop::event_loop& loop)
    : loop_{loop},
      options_{options},
      generator_{options.seed},
      top_bit_{std::uint64_t{1} << ((options.bits - 1) % 64)},
      words_((options.bits + 63) / 64) {}

next_body random::next(instant) {
  ++returned_;
  for (std::uint64_t& word : words_) word = generator_();
  words_.back() = (words_.back() & (top_bit_ - 1)) | top_bit_;
  words_.front() |= 1;
  if (words_.size() > 1) return body{write_decimal()};
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), words_.front()).ptr;
  return body{std::string_view{digits.data(), end}};
}

// Repeatedly divides the number by 10^19, the greatest power of ten in a word. Quadratic: about 50 µs for 4096 bits.
// Overwrites the words.
std::string_view random::write_decimal() {
  __extension__ using wide = unsigned __int128;
  constexpr std::uint64_t power = 10'000'000'000'000'000'000u;
  constexpr std::size_t digits_at_a_time = 19;
  digits_.assign(words_.size() * 20 + digits_at_a_time, '0');
  std::size_t left = words_.size();
  std::size_t begin = digits_.size();
  while (left > 0) {
    std::uint64_t rest = 0;
    for (std::size_t n = left; n-- > 0;) {
      const wide value = wide{rest} << 64 | words_[n];
      words_[n] = static_cast<std::uint64_t>(value / power);
      rest = static_cast<std::uint64_t>(value % power);
    }
    while (left > 0 && words_[left - 1] == 0) --left;
    begin -= digits_at_a_time;
    for (std::size_t n = begin + digits_at_a_time; rest > 0; rest /= 10)
      digits_[--n] = static_cast<char>('0' + rest % 10);
  }
  return std::string_view{digits_}.substr(digits_.find_first_not_of('0', begin));
}

loop::awaitable<> random::more() { co_return; }

bool random::track_position() {
  digest settings;
  settings.add(std::to_string(options_.bits) + "/" + std::to_string(options_.seed));
  settings_ = settings.value();
  return true;
}

loop::awaitable<result<resumption>> random::resume(position stored) {
  if (stored.checksum != settings_)
    co_return invalid("`bits` or `seed` was changed after " + std::to_string(stored.place) + " numbers were put");
  std::uint64_t in_turn = 0;
  for (; returned_ < stored.place; ++returned_) {
    generator_.discard(words_.size());
    in_turn += words_.size();
    if (in_turn < skipped_per_turn) continue;
    in_turn = 0;
    co_await loop::yield(loop_);
  }
  co_return resumption::behind_position;
}

}  // namespace millrace::sources
