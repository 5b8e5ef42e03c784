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

result<range::number> parse_number(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  const result<std::uint64_t> size = parse_count(is_negative ? text.substr(1) : text);
  if (!size) return size.error();
  const range::number value = is_negative ? -range::number{*size} : range::number{*size};
  if (value < lowest) return error{errc::out_of_range, std::string{text} + " is below -2^63"};
  return value;
}

result<> check_number(std::string_view text) {
  const result<range::number> value = parse_number(text);
  if (!value) return value.error();
  return {};
}

std::string_view write(range::number value, std::array<char, 20>& buffer) {
  const auto written =
      value < 0 ? std::to_chars(buffer.data(), buffer.data() + buffer.size(), static_cast<std::int64_t>(value))
                : std::to_chars(buffer.data(), buffer.data() + buffer.size(), static_cast<std::uint64_t>(value));
  return {buffer.data(), written.ptr};
}

}  // namespace

const options_of<range_options>& range_option_table() {
  constexpr auto expected = "a whole number from -2^63 to 2^64-1, such as 7, -3 or 10k";
  static const auto table =
      options_of<range_options>{}
          .text("from", &range_options::from, "The first number.", check_number, expected)
          .text("to", &range_options::to, "The last number, if a step reaches it; no number is beyond it.",
                check_number, expected)
          .required()
          .example("100k")
          .text("step", &range_options::step, "The difference between numbers; below zero they decrease.", check_number,
                expected);
  return table;
}

result<std::unique_ptr<source>> range::make(const range_options& options, const source_context&) {
  const result<number> from = parse_number(options.from);
  const result<number> to = parse_number(options.to);
  const result<number> step = parse_number(options.step);
  for (const auto* parsed : {&from, &to, &step}) {
    if (!*parsed) return parsed->error();
  }
  if (*step == 0 || (*step > 0 ? *from > *to : *from < *to))
    return invalid("a step of " + options.step + " does not lead from " + options.from + " to " + options.to);
  return std::unique_ptr<source>{std::make_unique<range>(*from, *to, *step)};
}

next_body range::next(instant) {
  if (step_ > 0 ? next_ > to_ : next_ < to_) return no_more{};
  std::array<char, 20> buffer{};
  const body out{write(next_, buffer)};
  next_ += step_;
  ++returned_;
  return out;
}

bool range::track_position() {
  std::array<char, 20> buffer{};
  digest settings;
  settings.add(write(from_, buffer));
  settings.add("/");
  settings.add(write(step_, buffer));
  settings_ = settings.value();
  return true;
}

loop::awaitable<result<resumption>> range::resume(position stored) {
  if (stored.checksum != settings_)
    co_return invalid("`from` or `step` was changed after " + std::to_string(stored.place) + " numbers were put");
  // This may be beyond `to`, which may have changed. Then no number is left.
  returned_ = stored.place;
  next_ = from_ + step_ * number{stored.place};
  co_return resumption::behind_position;
}

loop::awaitable<> range::more() { co_return; }

}  // namespace millrace::sources
