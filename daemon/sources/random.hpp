#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <millrace/sources/registry.hpp>

namespace millrace::sources {

/// The greatest length of the numbers.
inline constexpr std::uint32_t random_bits_limit = 4096;

struct random_options {
  std::uint32_t bits{64};
  std::uint64_t seed{1};
};
[[nodiscard]] const options_of<random_options>& random_option_table();

/// Random odd numbers of exactly `bits` bits in decimal, without end: the first and the last bit are set, those between
/// are random.
///
/// The generator is the 64-bit Mersenne Twister as C++ prescribes it (std::mt19937_64), so that a seed gives the same
/// numbers everywhere. A number takes ceil(bits / 64) of its outputs, the lowest 64 bits first; of the last output the
/// low bits are used.
class random : public source {
 public:
  [[nodiscard]] static result<std::unique_ptr<source>> make(const random_options& options, const surroundings& where);
  random(const random_options& options, loop::event_loop& loop);

  next_body next(instant now) override;
  loop::awaitable<> more() override;
  [[nodiscard]] bool endless() const override { return true; }

  /// The place is how many numbers were given; `bits` and `seed` must be the same. Skipping them takes some 3 ns for
  /// each word, in turns of `skipped_per_turn` words.
  bool track_position() override;
  [[nodiscard]] position reached() const override { return {given_, settings_}; }
  loop::awaitable<result<resumption>> resume(position from) override;
  static constexpr std::uint64_t skipped_per_turn = 100'000;

 private:
  [[nodiscard]] std::string_view write_decimal();

  loop::event_loop& loop_;
  random_options options_;
  std::uint64_t given_{0};
  std::uint64_t settings_{0};  ///< digest of what the numbers depend on, once a position is tracked
  std::mt19937_64 generator_;
  std::uint64_t top_bit_;             ///< of the highest word
  std::vector<std::uint64_t> words_;  ///< lowest first
  std::string digits_;
};

}  // namespace millrace::sources
