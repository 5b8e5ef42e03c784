#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <millrace/sources/registry.hpp>

namespace millrace::sources {

/// The longest numbers it makes.
inline constexpr std::uint32_t random_bits_limit = 4096;

struct random_options {
  std::uint32_t bits{64};
  std::uint64_t seed{1};
};
[[nodiscard]] const options_of<random_options>& random_option_table();

/// Random odd numbers of exactly `bits` bits in decimal, without end: the first and the last bit are set, those between are random.
///
/// The generator is the 64-bit Mersenne Twister as C++ prescribes it (std::mt19937_64), so that a seed gives the same numbers everywhere.
/// A number takes ceil(bits / 64) of its outputs, the lowest 64 bits first; of the last output the low bits are used.
class random : public source {
 public:
  [[nodiscard]] static result<std::unique_ptr<source>> make(const random_options& options, const surroundings& where);
  explicit random(const random_options& options);

  next_body next(instant now) override;
  loop::awaitable<> more() override;
  [[nodiscard]] bool endless() const override { return true; }

 private:
  [[nodiscard]] std::string_view write_decimal();

  std::mt19937_64 generator_;
  std::uint64_t top_bit_;             ///< of the highest word
  std::vector<std::uint64_t> words_;  ///< lowest first
  std::string digits_;
};

}  // namespace millrace::sources
