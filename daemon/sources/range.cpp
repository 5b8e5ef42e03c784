#include "sources/range.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include <millrace/base/quantity.hpp>

#include "base/digest.hpp"

namespace millrace::sources {

namespace {

constexpr range::number lowest = INT64_MIN;

result<range::number> number_in(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  const result<std::uint64_t> size = parse_count(is_negative ? text.substr(1) : text);
  if (!size) return size.error();
  const range::number value = is_negative ? -range::number{*size} : range::number{*size};
  if (value < lowest) return error{errc::out_of_range, std::string{text} + " is below -2^63"};
  return value;
}

result<> is_number(std::string_view text) {
  const result<range::number> value = number_in(text);
  if (!value) return value.error();
  return {};
}

std::string_view write(range::number value, std::array<char, 20>& room) {
  const auto written = value < 0
                           ? std::to_chars(room.data(), room.data() + room.size(), static_cast<std::int64_t>(value))
                           : std::to_chars(room.data(), room.data() + room.size(), static_cast<std::uint64_t>(value));
  return {room.data(), written.ptr};
}

}  // namespace

const options_of<range_options>& range_option_table() {
  constexpr auto expected = "a whole number from -2^63 to 2^64-1, such as 7, -3 or 10k";
  static const auto table =
      options_of<range_options>{}
          .text("from", &range_options::from, "The first number.", is_number, expected)
          .text("to", &range_options::to, "The last number, if the steps meet it; none beyond it.", is_number, expected)
          .required()
          .example("100k")
          .text("step", &range_options::step, "From one number to the next; below zero it runs down.", is_number,
                expected);
  return table;
}

result<std::unique_ptr<source>> range::make(const range_options& options, const surroundings&) {
  const result<number> from = number_in(options.from);
  const result<number> to = number_in(options.to);
  const result<number> step = number_in(options.step);
  for (const auto* each : {&from, &to, &step}) {
    if (!*each) return each->error();
  }
  if (*step == 0 || (*step > 0 ? *from > *to : *from < *to))
    return invalid("a step of " + options.step + " does not lead from " + options.from + " to " + options.to);
  return std::unique_ptr<source>{std::make_unique<range>(*from, *to, *step)};
}

next_body range::next(instant) {
  if (step_ > 0 ? at_ > to_ : at_ < to_) return no_more{};
  std::array<char, 20> room{};
  const body out{write(at_, room)};
  at_ += step_;
  ++given_;
  return out;
}

bool range::track_position() {
  std::array<char, 20> room{};
  digest settings;
  settings.add(write(from_, room));
  settings.add("/");
  settings.add(write(step_, room));
  settings_ = settings.value();
  return true;
}

loop::awaitable<result<resumption>> range::resume(position from) {
  if (from.checksum != settings_)
    co_return invalid("`from` or `step` was changed after " + std::to_string(from.place) + " numbers were put");
  // Beyond `to`, which may have moved: nothing is left then.
  given_ = from.place;
  at_ = from_ + step_ * number{from.place};
  co_return resumption::behind_position;
}

loop::awaitable<> range::more() { co_return; }

}  // namespace millrace::sources
