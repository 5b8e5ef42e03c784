#include <millrace/base/option.hpp>

#include <charconv>
#include <cmath>

namespace millrace {

const option* option_table::find(std::string_view key) const noexcept {
  for (const option& each : options_) {
    if (each.key == key) return &each;
  }
  return nullptr;
}

namespace option_detail {

namespace {

struct words_of_kind {
  std::string_view noun;
  std::string_view example;
};

words_of_kind words_of(option_kind kind) {
  switch (kind) {
    case option_kind::count:
      return {"a count", "like 1000, 100k or 10M"};
    case option_kind::size:
      return {"a size", "like 4096, 64KiB or 1MiB"};
    case option_kind::time:
      return {"a duration", "like 250ms, 30s or 1h30m"};
    case option_kind::rate:
      return {"a rate", "like 200, 0.5 or 90/m"};
    default:
      return {"a number", "like 0.5"};
  }
}

}  // namespace

result<bool> read_flag(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return invalid("`" + std::string{text} + "` is neither true nor false");
}

result<double> read_real(std::string_view text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || code != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    return invalid("`" + std::string{text} + "` is not a number");
  return value;
}

std::string write_real(double value) {
  char digits[32];
  const auto [end, code] = std::to_chars(digits, digits + sizeof digits, value);
  return {digits, end};
}

std::string expected_text(option_kind kind, const std::optional<std::string>& least,
                          const std::optional<std::string>& most) {
  const auto [noun, example] = words_of(kind);
  std::string text{noun};
  if (least && most) return text + " from " + *least + " to " + *most;
  if (least) return text + " of at least " + *least;
  if (most) return text + " of at most " + *most;
  return text.append(" ").append(example);
}

error too_low(std::string_view text, std::string_view least) {
  return {errc::out_of_range, "`" + std::string{text} + "` is below " + std::string{least}};
}

error too_high(std::string_view text, std::string_view most) {
  return {errc::out_of_range, "`" + std::string{text} + "` is above " + std::string{most}};
}

error unknown_choice(std::string_view text) { return invalid("`" + std::string{text} + "` is no known word"); }

}  // namespace option_detail

}  // namespace millrace
