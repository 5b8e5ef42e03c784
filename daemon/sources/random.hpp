#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <millrace/sources/registry.hpp>

namespace millrace::sources {

/// The greatest value of `bits`.
inline constexpr std::uint32_t random_bits_limit = 4096;

struct random_options {
  std::uint32_t bits{64};
  std::uint64_t seed{1};
};
[[nodiscard]] const options_of<random_options>& random_option_table();

/// Random odd numbers of exactly `bits` bits in decimal, without end. The first and the last bit are set, the others
/// are random.
///
/// The generator is the 64-bit Mersenne Twister as specified by C++ (std::mt19937_64), so a seed gives the same numbers
/// on every machine. A number takes ceil(bits / 64) outputs, the lowest 64 bits first. The last output gives its low
/// bits.
class random : public source {
 public:
  [[nodiscard]] static result<std::unique_ptr<source>> make(const random_options& options,
                                                            const source_context& context);
  random(const random_options& options, loop::event_loop& loop);

  next_body next(instant now) override;
  loop::awaitable<> more() override;
  [[nodiscard]] bool endless() const override { return true; }

  /// The position is the number of numbers that were returned. `bits` and `seed` must be the same at a restart.
  /// Skipping numbers takes about 3 ns for each word, in turns of `skipped_per_turn` words.
  bool track_position() override;
  [[nodiscard]] position reached() const override { return {returned_, settings_}; }
  loop::awaitable<result<resumption>> resume(position stored) override;
  static constexpr std::uint64_t skipped_per_turn = 100'000;

 private:
  [[nodiscard]] std::string_view write_decimal();

  loop::event_loop& loop_;
  random_options options_;
  std::uint64_t returned_{0};
  std::uint64_t settings_{0};  ///< digest of `bits` and `seed`, if the position is tracked
  std::mt19937_64 generator_;
  std::uint64_t top_bit_;             ///< the highest bit of a number, in its highest word
  std::vector<std::uint64_t> words_;  ///< the lowest word first
  std::string digits_;
};

}  // namespace millrace::sources
