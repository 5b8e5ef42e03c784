#pragma once

#include <cstdint>
#include <string>

#include <millrace/sources/registry.hpp>

namespace millrace::sources {

/// The texts of 64-bit integers, with an optional sign and an optional k, M or G.
struct range_options {
  std::string from{"1"};
  std::string to;
  std::string step{"1"};
};
[[nodiscard]] const options_of<range_options>& range_option_table();

/// from, from + step, from + 2 step ... up to and including `to`. With a negative step the numbers decrease. The
/// numbers are from -2^63 to 2^64 - 1, and do not overflow at either end.
class range : public source {
 public:
  __extension__ using number = __int128;

  /// Fails when the step is 0 or leads away from `to`.
  [[nodiscard]] static result<std::unique_ptr<source>> make(const range_options& options,
                                                            const source_context& context);
  range(number from, number to, number step) : from_{from}, next_{from}, to_{to}, step_{step} {}

  next_body next(instant now) override;
  loop::awaitable<> more() override;
  [[nodiscard]] bool endless() const override { return false; }

  /// The position is the number of numbers that were returned. `from` and `step` must be the same at a restart, while
  /// `to` may change.
  bool track_position() override;
  [[nodiscard]] position reached() const override { return {returned_, settings_}; }
  loop::awaitable<result<resumption>> resume(position stored) override;

 private:
  number from_;
  number next_;
  number to_;
  number step_;
  std::uint64_t returned_{0};
  std::uint64_t settings_{0};  ///< digest of `from` and `step`, if the position is tracked
};

}  // namespace millrace::sources
