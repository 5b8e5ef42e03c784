#include <millrace/base/quantity.hpp>

#include <limits>
#include <random>

#include "support/catch.hpp"

using namespace millrace;

namespace {

constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();

/// Numbers of every length, many of them round.
class numbers {
 public:
  explicit numbers(std::uint64_t seed) : random_{seed} {}

  std::uint64_t next(std::uint64_t most) {
    std::uint64_t value = random_() >> (random_() % 64);
    for (std::uint64_t zeros = random_() % 8; zeros > 0 && value <= largest / 10; --zeros) value *= 10;
    return value % (most == largest ? largest : most + 1);
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace

TEST_CASE("durations are read as people write them") {
  CHECK(parse_duration("250ms").value() == milliseconds{250});
  CHECK(parse_duration("30s").value() == seconds{30});
  CHECK(parse_duration("1.5m").value() == seconds{90});
  CHECK(parse_duration("2h").value() == hours{2});
  CHECK(parse_duration("7d").value() == hours{168});
  CHECK(parse_duration("10us").value() == microseconds{10});
  CHECK(parse_duration("10µs").value() == microseconds{10});
  CHECK(parse_duration("500ns").value() == nanoseconds{500});
  CHECK(parse_duration("0").value() == duration::zero());
  CHECK(parse_duration("0.000000001s").value() == nanoseconds{1});
}

TEST_CASE("a quantity with a decimal fraction is read exactly") {
  CHECK(parse_duration("0.3s").value() == milliseconds{300});
  CHECK(parse_duration("1.1s").value() == milliseconds{1100});
  CHECK(parse_count("1.001k").value() == 1001);
  CHECK(parse_size("1.5KiB").value() == 1536);
  CHECK(parse_rate("1.001k").value() == 1001.0);
}

TEST_CASE("a duration may have several parts, the larger units first") {
  CHECK(parse_duration("1h30m").value() == minutes{90});
  CHECK(parse_duration("1d2h3m4s5ms6us7ns").value() ==
        hours{26} + minutes{3} + seconds{4} + milliseconds{5} + microseconds{6} + nanoseconds{7});
  CHECK(parse_duration("1m0.5s").value() == milliseconds{60'500});
  for (const char* text : {"30m1h", "1h1h", "1us1µs", "1h30", "1h 30m", "1h-30m", "h30m", "1h30m.", "1x30m"}) {
    CAPTURE(text);
    CHECK(parse_duration(text).error().code == errc::invalid);
  }
  CHECK(parse_duration("1h30").error().text == "`1h30` is not a duration like 250ms, 30s or 1h30m");
  CHECK(parse_duration("106751d1000h").error().code == errc::out_of_range);
  CHECK(parse_duration("106752d1ns").error().text == "`106752d1ns` is too large");
}

TEST_CASE("a duration without a unit is answered with the one that was probably meant") {
  CHECK(parse_duration("90").error().text == "`90` has no unit: write `90s` for seconds");
  CHECK(parse_duration("1.5").error().text == "`1.5` has no unit: write `1.5s` for seconds");
}

TEST_CASE("what is no duration is refused") {
  for (const char* text : {"",    "5",   "s",     "-1s",  "+1s",  "1 s", "1s ", " 1s",  "1S",  "1sec",
                           "1.s", ".5s", "1..5s", "1e3s", "0x1s", "one", "1s1", "1,5s", "nan", "inf"}) {
    CAPTURE(text);
    CHECK(parse_duration(text).has_error());
  }
  CHECK(parse_duration("x").error().text == "`x` is not a duration like 250ms, 30s or 1h30m");
  CHECK(parse_duration("0.5ns").error().text == "`0.5ns` is a fraction of the smallest unit");
}

TEST_CASE("counts and sizes are read as people write them") {
  CHECK(parse_count("1000").value() == 1'000);
  CHECK(parse_count("100k").value() == 100'000);
  CHECK(parse_count("10M").value() == 10'000'000);
  CHECK(parse_count("2G").value() == 2'000'000'000);
  CHECK(parse_count("1.5").has_error());
  CHECK(parse_count("-1").has_error());
  CHECK(parse_count("1K").has_error());
  CHECK(parse_size("4096").value() == 4096);
  CHECK(parse_size("4096B").value() == 4096);
  CHECK(parse_size("64KiB").value() == 65'536);
  CHECK(parse_size("64kB").value() == 64'000);
  CHECK(parse_size("1MiB").value() == 1u << 20);
  CHECK(parse_size("2GiB").value() == 2ull << 30);
  CHECK(parse_size("64k").has_error());
  CHECK(parse_size("64kb").has_error());
}

TEST_CASE("rates are read as people write them") {
  CHECK(parse_rate("200").value() == 200.0);
  CHECK(parse_rate("0.5").value() == 0.5);
  CHECK(parse_rate("200/s").value() == 200.0);
  CHECK(parse_rate("90/m").value() == 1.5);
  CHECK(parse_rate("1k/s").value() == 1000.0);
  CHECK(parse_rate("36/h").value() == 0.01);
  for (const char* text :
       {"", "0", "0/s", "-1", "1/x", "1/", "/s", "inf", "nan", "1e999", "1ks", "1e3k", "k", ".5", "1.k", "0x10"}) {
    CAPTURE(text);
    CHECK(parse_rate(text).has_error());
  }
}

TEST_CASE("the largest values are read and the next are refused") {
  CHECK(parse_duration("9223372036854775807ns").value() == duration::max());
  CHECK(parse_duration("9223372036854775808ns").error().code == errc::out_of_range);
  CHECK(parse_duration("9223372036.854775807s").value() == duration::max());
  CHECK(parse_duration("9223372036.854775808s").error().code == errc::out_of_range);
  CHECK(parse_duration("106752d").error().code == errc::out_of_range);
  CHECK(parse_count("18446744073709551615").value() == largest);
  CHECK(parse_count("18446744073709551616").error().code == errc::out_of_range);
  CHECK(parse_count("18446744074G").error().code == errc::out_of_range);
  CHECK(parse_size("16777216TiB").error().code == errc::out_of_range);
  CHECK(parse_size("16777215TiB").has_value());
}

TEST_CASE("a number with a million digits is refused with a short text") {
  const std::string digits(1'000'000, '7');
  for (const auto& text : {digits, digits + "s", "0." + digits + "s"}) {
    CHECK(parse_duration(text).error().text.size() < 200);
    CHECK(parse_count(text).error().text.size() < 200);
    CHECK(parse_size(text).error().text.size() < 200);
  }
  CHECK(parse_rate(digits).error().text.size() < 200);
}

TEST_CASE("quantities are written as people would") {
  CHECK(write_duration(duration::zero()) == "0");
  CHECK(write_duration(milliseconds{100}) == "100ms");
  CHECK(write_duration(seconds{30}) == "30s");
  CHECK(write_duration(seconds{60}) == "1m");
  CHECK(write_duration(seconds{90}) == "90s");
  CHECK(write_duration(milliseconds{1500}) == "1.5s");
  CHECK(write_duration(hours{48}) == "2d");
  CHECK(write_count(0) == "0");
  CHECK(write_count(1'024) == "1024");
  CHECK(write_count(200'000) == "200k");
  CHECK(write_count(1'500'000) == "1.5M");
  CHECK(write_size(65'536) == "64KiB");
  CHECK(write_size(1ull << 30) == "1GiB");
  CHECK(write_size(1'536) == "1536");
  CHECK(write_rate(200) == "200");
  CHECK(write_rate(0.5) == "0.5");
  CHECK(write_rate(1'000'000) == "1M");
}

TEST_CASE("what is written is read back as the same value") {
  const std::uint64_t seed = 20'240'817;
  CAPTURE(seed);
  numbers any{seed};
  for (int round = 0; round < 50'000; ++round) {
    const duration length{static_cast<duration::rep>(any.next(static_cast<std::uint64_t>(duration::max().count())))};
    const std::uint64_t count = any.next(largest);
    const double rate = static_cast<double>(any.next(largest) + 1) / static_cast<double>(any.next(1u << 20) + 1);
    CAPTURE(length.count(), count, rate);
    REQUIRE(parse_duration(write_duration(length)).value() == length);
    REQUIRE(parse_count(write_count(count)).value() == count);
    REQUIRE(parse_size(write_size(count)).value() == count);
    REQUIRE(parse_rate(write_rate(rate)).value() == rate);
  }
  CHECK(parse_count(write_count(largest)).value() == largest);
  CHECK(parse_size(write_size(largest)).value() == largest);
  CHECK(parse_duration(write_duration(duration::max())).value() == duration::max());
}
