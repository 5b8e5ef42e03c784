#include <millrace/base/quantity.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <span>

namespace millrace {

namespace {

// A fraction times a unit needs more than 64 bits on its way to a whole number.
__extension__ using wide = unsigned __int128;

struct unit {
  std::string_view name;
  std::uint64_t worth;
  bool written{true};  ///< false: read, but another name is written
};

// Within each table: rising. The first is what a number without unit means for counts and sizes.
constexpr std::array<unit, 8> duration_units{{{"ns", 1},
                                              {"us", 1'000},
                                              {"µs", 1'000, false},
                                              {"ms", 1'000'000},
                                              {"s", 1'000'000'000},
                                              {"m", 60'000'000'000},
                                              {"h", 3'600'000'000'000},
                                              {"d", 86'400'000'000'000}}};
constexpr std::array<unit, 5> count_units{
    {{"", 1}, {"k", 1'000}, {"M", 1'000'000}, {"G", 1'000'000'000}, {"T", 1'000'000'000'000, false}}};
constexpr std::array<unit, 10> size_units{{{"", 1},
                                           {"B", 1, false},
                                           {"kB", 1'000},
                                           {"KiB", 1ull << 10},
                                           {"MB", 1'000'000},
                                           {"MiB", 1ull << 20},
                                           {"GB", 1'000'000'000},
                                           {"GiB", 1ull << 30},
                                           {"TB", 1'000'000'000'000},
                                           {"TiB", 1ull << 40}}};

/// So many digits fit into the 64 bits of `number::part` and `number::of`. Nobody writes more.
constexpr std::size_t fraction_digits_max = 18;

/// `12.50ms` as 12, 5 of 10, `ms`.
struct number {
  std::uint64_t whole{0};
  std::uint64_t part{0};
  std::uint64_t of{1};
  std::string_view unit_name;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string quote(std::string_view text) {
  constexpr std::size_t shown_max = 40;
  std::string out{"`"};
  out.append(text.substr(0, shown_max));
  if (text.size() > shown_max) out.append("…");
  return out.append("`");
}

result<number> split(std::string_view text, const std::string& expected) {
  const error no_number = invalid(quote(text) + " is not " + expected);
  std::size_t at = 0;
  while (at < text.size() && is_digit(text[at])) ++at;
  if (at == 0) return no_number;
  number out;
  if (std::from_chars(text.data(), text.data() + at, out.whole).ec != std::errc{})
    return error{errc::out_of_range, quote(text) + " is too large"};
  if (at < text.size() && text[at] == '.') {
    const std::size_t begin = ++at;
    while (at < text.size() && is_digit(text[at])) ++at;
    if (at == begin) return no_number;
    std::string_view digits = text.substr(begin, at - begin);
    while (!digits.empty() && digits.back() == '0') digits.remove_suffix(1);
    if (digits.size() > fraction_digits_max) return error{errc::out_of_range, quote(text) + " has too many digits"};
    for (const char digit : digits) {
      out.part = out.part * 10 + static_cast<std::uint64_t>(digit - '0');
      out.of *= 10;
    }
  }
  out.unit_name = text.substr(at);
  return out;
}

/// `text` as a whole number of smallest units, at most `most`, without rounding.
result<std::uint64_t> read_exactly(std::string_view text, std::span<const unit> units, std::uint64_t most,
                                   const std::string& expected) {
  const result<number> parts = split(text, expected);
  if (!parts) return parts.error();
  for (const unit& each : units) {
    if (each.name != parts->unit_name) continue;
    const wide fraction = wide{parts->part} * each.worth;
    if (fraction % parts->of != 0) return invalid(quote(text) + " is a fraction of the smallest unit");
    const wide value = wide{parts->whole} * each.worth + fraction / parts->of;
    if (value > most) return error{errc::out_of_range, quote(text) + " is too large"};
    return static_cast<std::uint64_t>(value);
  }
  return invalid(quote(text) + " is not " + expected);
}

/// `value` in the chosen unit as a finite decimal of at least 1; nullopt when there is none.
std::optional<std::string> write_in(std::uint64_t value, const unit& chosen) {
  if (value < chosen.worth) return std::nullopt;
  std::string out = std::to_string(value / chosen.worth);
  wide rest = value % chosen.worth;
  if (rest != 0) out += '.';
  for (std::size_t digits = 0; rest != 0; ++digits) {
    if (digits == fraction_digits_max) return std::nullopt;
    rest *= 10;
    out += static_cast<char>('0' + static_cast<int>(rest / chosen.worth));
    rest %= chosen.worth;
  }
  return out.append(chosen.name);
}

std::string write_shortest(std::uint64_t value, std::span<const unit> units) {
  if (value == 0) return "0";
  std::string best = *write_in(value, units.front());
  for (const unit& each : units.subspan(1)) {
    if (!each.written) continue;
    const std::optional<std::string> text = write_in(value, each);
    if (!text) continue;
    const bool whole = value % each.worth == 0;
    if (text->size() < best.size() || (whole && text->size() == best.size())) best = *text;
  }
  return best;
}

constexpr const char* a_duration = "a duration like 250ms, 30s or 1h30m";

/// One number with its unit.
result<std::uint64_t> nanoseconds_of(std::string_view text) {
  constexpr auto most = static_cast<std::uint64_t>(duration::max().count());
  const result<number> parts = split(text, a_duration);
  if (parts && parts->unit_name.empty()) {
    const std::string with_unit = std::string{text} + "s";
    return invalid(quote(text) + " has no unit: write " + quote(with_unit) + " for seconds");
  }
  return read_exactly(text, duration_units, most, a_duration);
}

/// The length of the first part of `1h30m`: up to the next number.
std::size_t first_part(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && (is_digit(text[at]) || text[at] == '.')) ++at;
  while (at < text.size() && !is_digit(text[at])) ++at;
  return at;
}

/// Several parts, the larger units first and each unit once.
result<std::uint64_t> sum_of_parts(const std::string_view text) {
  constexpr auto most = static_cast<std::uint64_t>(duration::max().count());
  std::uint64_t sum = 0;
  std::uint64_t unit_before = UINT64_MAX;
  for (std::string_view left = text; !left.empty();) {
    const std::string_view part = left.substr(0, first_part(left));
    left.remove_prefix(part.size());
    const auto value = read_exactly(part, duration_units, most, a_duration);
    if (!value && value.error().code == errc::out_of_range)
      return error{errc::out_of_range, quote(text) + " is too large"};
    const std::string_view name = part.substr(part.find_last_of("0123456789") + 1);
    const auto* const unit_found = std::find_if(duration_units.begin(), duration_units.end(),
                                                [name](const unit& each) { return each.name == name; });
    if (!value || unit_found->worth >= unit_before) return invalid(quote(text) + " is not " + a_duration);
    unit_before = unit_found->worth;
    if (*value > most - sum) return error{errc::out_of_range, quote(text) + " is too large"};
    sum += *value;
  }
  return sum;
}

constexpr std::string_view a_rate = "a rate like 200, 0.5, 1k/s or 90/m";

std::uint64_t seconds_in(std::string_view period) {
  if (period == "s") return 1;
  if (period == "m") return 60;
  if (period == "h") return 3'600;
  return period == "d" ? 86'400 : 0;
}

}  // namespace

result<duration> parse_duration(std::string_view text) {
  if (text == "0") return duration::zero();
  const auto ns = first_part(text) == text.size() ? nanoseconds_of(text) : sum_of_parts(text);
  if (!ns) return ns.error();
  return duration{static_cast<duration::rep>(*ns)};
}

std::string write_duration(duration length) {
  const auto ns = static_cast<std::uint64_t>(length.count());
  return length < duration::zero() ? "-" + write_shortest(0 - ns, duration_units) : write_shortest(ns, duration_units);
}

result<std::uint64_t> parse_count(std::string_view text) {
  return read_exactly(text, count_units, std::numeric_limits<std::uint64_t>::max(), "a count like 1000, 100k or 10M");
}

std::string write_count(std::uint64_t count) { return write_shortest(count, count_units); }

result<std::uint64_t> parse_size(std::string_view text) {
  return read_exactly(text, size_units, std::numeric_limits<std::uint64_t>::max(), "a size like 4096, 64KiB or 1MiB");
}

std::string write_size(std::uint64_t bytes) { return write_shortest(bytes, size_units); }

result<double> parse_rate(std::string_view text) {
  const error no_rate = invalid(quote(text) + " is not " + std::string{a_rate});
  const std::size_t slash = text.find('/');
  std::string_view digits = text.substr(0, slash);
  const std::uint64_t period = slash == std::string_view::npos ? 1 : seconds_in(text.substr(slash + 1));
  if (period == 0 || digits.empty() || !is_digit(digits.front())) return no_rate;

  // The suffix becomes an exponent, so that 1.001k is read as exactly as 1001 is.
  std::string number{digits};
  const std::size_t suffix = std::string_view{"kMG"}.find(number.back());
  if (suffix != std::string_view::npos) {
    if (number.find_first_of("eE") != std::string::npos) return no_rate;
    number.pop_back();
    if (!is_digit(number.back())) return no_rate;
    number += "e" + std::to_string(3 * (suffix + 1));
  }
  double value = 0;
  const auto [end, code] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (end != number.data() + number.size()) return no_rate;
  value /= static_cast<double>(period);
  if (code != std::errc{} || !std::isfinite(value) || value <= 0)
    return error{errc::out_of_range, quote(text) + " is not a positive rate"};
  return value;
}

std::string write_rate(double per_second) {
  // Whole rates as counts are written; beyond 2^53 not every whole number is a double.
  constexpr double whole_max = 9'007'199'254'740'992.0;
  if (per_second >= 1 && per_second <= whole_max && per_second == std::floor(per_second))
    return write_count(static_cast<std::uint64_t>(per_second));
  char digits[32];
  const auto [end, code] = std::to_chars(digits, digits + sizeof digits, per_second);
  return {digits, end};
}

}  // namespace millrace
