#include <algorithm>
#include <string>
#include <vector>

#include <millrace/loop/deadline.hpp>

#include "loop/task_scope.hpp"
#include "sources/catalogue.hpp"
#include "sources/interval.hpp"
#include "sources/list.hpp"
#include "sources/random.hpp"
#include "sources/range.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::sources;

namespace {

std::string text_of(const next_body& answer) {
  if (const auto* content = std::get_if<body>(&answer)) return std::string{content->view()};
  if (const auto* failure = std::get_if<error>(&answer)) return "error: " + failure->text;
  return std::holds_alternative<no_more>(answer) ? "no more" : "nothing yet";
}

/// Up to `most` bodies, and the last answer if it was not a body.
std::vector<std::string> take(source& input, std::size_t most) {
  std::vector<std::string> out;
  while (out.size() < most) {
    const next_body next = input.next(instant{});
    out.push_back(text_of(next));
    if (!std::holds_alternative<body>(next)) break;
  }
  return out;
}

struct source_fixture {
  loop::event_loop loop{loop::clock_kind::manual};
  source_context context{loop};
};

std::vector<std::string> range_of(const std::string& from, const std::string& to, const std::string& step) {
  source_fixture fixture;
  const auto made = sources::range::make({from, to, step}, fixture.context);
  return made ? take(**made, 100) : std::vector<std::string>{"error: " + made.error().text};
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a list gives its items in order and ends", "[list]") {
  source_fixture fixture;
  const auto made = sources::list::make({{"9637529763296797", "", "157"}}, fixture.context);
  REQUIRE(made.has_value());
  CHECK(take(**made, 10) == texts{"9637529763296797", "", "157", "no more"});
  CHECK(take(**made, 10) == texts{"no more"});
  CHECK_FALSE((*made)->endless());
}

TEST_CASE("a range counts up or down to its last number, which is included", "[range]") {
  CHECK(range_of("1", "3", "1") == texts{"1", "2", "3", "no more"});
  CHECK(range_of("1", "6", "2") == texts{"1", "3", "5", "no more"});
  CHECK(range_of("3", "1", "-1") == texts{"3", "2", "1", "no more"});
  CHECK(range_of("-2", "2", "2") == texts{"-2", "0", "2", "no more"});
  CHECK(range_of("7", "7", "-5") == texts{"7", "no more"});
  CHECK(range_of("1k", "3k", "1k") == texts{"1000", "2000", "3000", "no more"});
}

TEST_CASE("a range does not overflow at the ends of 64 bits", "[range]") {
  CHECK(range_of("18446744073709551614", "18446744073709551615", "1") ==
        texts{"18446744073709551614", "18446744073709551615", "no more"});
  CHECK(range_of("0", "18446744073709551615", "18446744073709551615") == texts{"0", "18446744073709551615", "no more"});
  CHECK(range_of("-9223372036854775807", "-9223372036854775808", "-1") ==
        texts{"-9223372036854775807", "-9223372036854775808", "no more"});
  CHECK(range_of("18446744073709551615", "0", "-9223372036854775808") ==
        texts{"18446744073709551615", "9223372036854775807", "no more"});
  CHECK(range_of("-9223372036854775808", "18446744073709551615", "18446744073709551615").size() == 3);
}

TEST_CASE("a range whose step leads away from its end is refused", "[range]") {
  CHECK(range_of("10", "1", "1") == texts{"error: a step of 1 does not lead from 10 to 1"});
  CHECK(range_of("1", "10", "-1") == texts{"error: a step of -1 does not lead from 1 to 10"});
  CHECK(range_of("1", "10", "0") == texts{"error: a step of 0 does not lead from 1 to 10"});
}

TEST_CASE("invalid numbers of a range are refused when the settings are read", "[range]") {
  range_options options;
  const option& to = *range_option_table().find("to");
  for (const std::string good : {"7", "-3", "10k", "18446744073709551615", "-9223372036854775808"}) {
    CAPTURE(good);
    CHECK(to.read(&options, good).has_value());
  }
  for (const std::string bad : {"", "x", "--1", "1.5", "18446744073709551616", "-9223372036854775809", "- 1"}) {
    CAPTURE(bad);
    CHECK_FALSE(to.read(&options, bad).has_value());
  }
}

TEST_CASE("random numbers are odd and have exactly the requested length", "[random]") {
  source_fixture fixture;
  // The smallest and the greatest numbers of a length in decimal, as long division gives them: here by doubling digits.
  const auto power_of_two = [](unsigned exponent) {
    std::string digits{"1"};
    for (unsigned i = 0; i < exponent; ++i) {
      int carry = 0;
      for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
        const int doubled = (*digit - '0') * 2 + carry;
        *digit = static_cast<char>('0' + doubled % 10);
        carry = doubled / 10;
      }
      if (carry != 0) digits.insert(digits.begin(), '1');
    }
    return digits;
  };
  const auto below = [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  };
  for (const unsigned bits : {1u, 2u, 3u, 8u, 63u, 64u, 65u, 127u, 128u, 129u, 1000u, 4096u}) {
    sources::random from{{bits, 7}, fixture.loop};
    const std::string least = power_of_two(bits - 1);
    const std::string beyond = power_of_two(bits);
    for (const std::string& number : take(from, 50)) {
      CAPTURE(bits, number);
      CHECK_FALSE(below(number, least));
      CHECK(below(number, beyond));
      CHECK((number.back() - '0') % 2 == 1);
    }
    CHECK(from.endless());
  }
}

TEST_CASE("a seed gives the same random numbers on every machine", "[random]") {
  source_fixture fixture;
  sources::random one{{64, 5489}, fixture.loop};
  // The first outputs of the Mersenne Twister of 64 bits with its default seed, published by its authors; both are made
  // odd, and get their first bit.
  CHECK(take(one, 2) == texts{"14514284786278117031", "13843918777022418717"});
  sources::random again{{64, 5489}, fixture.loop};
  sources::random other{{64, 5490}, fixture.loop};
  sources::random same{{64, 5489}, fixture.loop};
  const texts numbers = take(again, 20);
  CHECK(numbers == take(same, 20));
  CHECK(numbers != take(other, 20));
}

TEST_CASE("random numbers of several words have the lowest word first", "[random]") {
  source_fixture fixture;
  // 14514284786278117031 + 2^64 * 13843918777022418716.
  sources::random from{{128, 5489}, fixture.loop};
  CHECK(take(from, 1) == texts{"255375226656954685992020555922444562087"});
}

TEST_CASE("an interval gives its body at once and then at multiples of its period, without bursts", "[interval]") {
  source_fixture fixture;
  interval from{{seconds{10}, "tick"}, fixture.loop};
  const instant start{seconds{100}};
  CHECK(text_of(from.next(start)) == "tick");
  CHECK(text_of(from.next(start)) == "nothing yet");
  CHECK(text_of(from.next(start + milliseconds{9'999})) == "nothing yet");
  CHECK(text_of(from.next(start + seconds{10})) == "tick");
  CHECK(text_of(from.next(start + seconds{10})) == "nothing yet");
  // Five were missed: one comes, and the next at its old time.
  CHECK(text_of(from.next(start + seconds{65})) == "tick");
  CHECK(text_of(from.next(start + seconds{69})) == "nothing yet");
  CHECK(text_of(from.next(start + seconds{70})) == "tick");
  CHECK(from.endless());
}

TEST_CASE("an interval wakes its waiting producer when the next body is due", "[interval]") {
  source_fixture fixture;
  interval from{{seconds{1}, "tick"}, fixture.loop};
  CHECK(text_of(from.next(fixture.loop.now())) == "tick");
  bool woken = false;
  loop::task_scope tasks{fixture.loop};
  const auto wait = [](source& on, bool& done) -> loop::awaitable<> {
    co_await on.more();
    done = true;
  };
  tasks.spawn("waiter", wait(from, woken));
  fixture.loop.run_ready();
  fixture.loop.advance(milliseconds{999});
  CHECK_FALSE(woken);
  fixture.loop.advance(milliseconds{1});
  CHECK(woken);
  CHECK(text_of(from.next(fixture.loop.now())) == "tick");
}

TEST_CASE("the catalogue has every built-in source under its name", "[catalogue]") {
  registry kinds;
  add_all(kinds);
  CHECK(kinds.names() == texts{"interval", "lines", "list", "random", "range"});
  CHECK(kinds.find("range")->name == "range");
  CHECK(kinds.find("ranges") == nullptr);
  source_fixture fixture;
  const kind& list = *kinds.find("list");
  const std::shared_ptr<void> options = list.options->make();
  REQUIRE(list.options->find("items")->read_list(options.get(), {"a", "b"}).has_value());
  const auto made = list.make(options.get(), fixture.context);
  REQUIRE(made.has_value());
  CHECK(take(**made, 5) == texts{"a", "b", "no more"});
}
