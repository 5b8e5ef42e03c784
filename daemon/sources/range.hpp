#pragma once

#include <cstdint>
#include <string>

#include <millrace/sources/registry.hpp>

namespace millrace::sources {

/// As written: a whole number of 64 bits, with or without sign, with or without k, M, G.
struct range_options {
  std::string from{"1"};
  std::string to;
  std::string step{"1"};
};
[[nodiscard]] const options_of<range_options>& range_option_table();

/// from, from + step, from + 2 step ... as long as `to` is not passed; `to` itself belongs to it. Runs down with a step
/// below zero. Numbers from -2^63 to 2^64 - 1, without overflow at either end.
class range : public source {
 public:
  __extension__ using number = __int128;

  /// Fails when the step is 0 or leads away from `to`.
  [[nodiscard]] static result<std::unique_ptr<source>> make(const range_options& options, const surroundings& where);
  range(number from, number to, number step) : from_{from}, at_{from}, to_{to}, step_{step} {}

  next_body next(instant now) override;
  loop::awaitable<> more() override;
  [[nodiscard]] bool endless() const override { return false; }

  /// The place is how many numbers were given; `from` and `step` must be the same, while `to` may move.
  bool track_position() override;
  [[nodiscard]] position reached() const override { return {given_, settings_}; }
  loop::awaitable<result<resumption>> resume(position from) override;

 private:
  number from_;
  number at_;
  number to_;
  number step_;
  std::uint64_t given_{0};
  std::uint64_t settings_{0};  ///< digest of what the numbers depend on, once a position is tracked
};

}  // namespace millrace::sources
