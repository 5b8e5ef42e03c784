#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include <millrace/base/option_table.hpp>
#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

/// Helpers of the templates in option.hpp.
namespace millrace::option_detail {

/// The value type of a member: T of `T` and of `std::optional<T>`.
template <class M>
struct held {
  using type = M;
};
template <class T>
struct held<std::optional<T>> {
  using type = T;
};
template <class M>
using held_t = typename held<M>::type;

template <class M>
[[nodiscard]] const held_t<M>* look(const M& member) {
  if constexpr (std::is_same_v<held_t<M>, M>)
    return &member;
  else
    return member ? &*member : nullptr;
}

/// The value of a member; an optional without a value gets the default.
template <class M>
[[nodiscard]] held_t<M>* open(M& member) {
  if constexpr (std::is_same_v<held_t<M>, M>)
    return &member;
  else
    return member ? &*member : &member.emplace();
}

[[nodiscard]] result<bool> read_flag(std::string_view text);
[[nodiscard]] result<double> read_real(std::string_view text);
[[nodiscard]] std::string write_real(double value);

/// `a duration from 1ms to 1h`, or the kind with an example when there is no bound.
[[nodiscard]] std::string expected_text(option_kind kind, const std::optional<std::string>& least,
                                        const std::optional<std::string>& most);
[[nodiscard]] error too_low(std::string_view text, std::string_view least);
[[nodiscard]] error too_high(std::string_view text, std::string_view most);
[[nodiscard]] error unknown_choice(std::string_view text);

[[nodiscard]] inline double bound_of(std::uint64_t value) { return static_cast<double>(value); }
[[nodiscard]] inline double bound_of(double value) { return value; }
[[nodiscard]] inline double bound_of(millrace::duration value) { return static_cast<double>(value.count()); }

}  // namespace millrace::option_detail
