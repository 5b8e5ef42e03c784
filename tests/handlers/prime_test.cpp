#include "handlers/prime.hpp"

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "handlers/program.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::handlers;

namespace {

/// A prime handler with its context.
struct prime_fixture {
  explicit prime_fixture(prime_options options = {}) : handler{options, fixture.context} {}
  std::string operator()(std::string_view content, std::size_t* steps = nullptr) {
    return text_of(compute(handler, content, steps));
  }
  handler_fixture fixture;
  prime handler;
};

prime_options trial_options() { return {prime_method::trial, 4096}; }

std::string verdict(std::uint64_t number, bool is_prime) {
  return std::to_string(number) + (is_prime ? " is a prime number." : " is not a prime number.");
}

}  // namespace

TEST_CASE("the verdict of prime names the number", "[prime]") {
  prime_fixture fast;
  prime_fixture by_trial{trial_options()};
  CHECK(fast("157") == "157 is a prime number.");
  CHECK(fast("158") == "158 is not a prime number.");
  CHECK(by_trial("157") == "157 is a prime number.");
  CHECK(by_trial("158") == "158 is not a prime number.");
}

TEST_CASE("0 and 1 are not prime, 2 and 3 are", "[prime]") {
  for (const prime_method method : {prime_method::fast, prime_method::trial}) {
    prime_fixture test{{method, 4096}};
    CHECK(test("0") == "0 is not a prime number.");
    CHECK(test("1") == "1 is not a prime number.");
    CHECK(test("2") == "2 is a prime number.");
    CHECK(test("3") == "3 is a prime number.");
    CHECK(test("4") == "4 is not a prime number.");
    CHECK(test("9") == "9 is not a prime number.");
  }
}

TEST_CASE("white space around a number and leading zeros are ignored", "[prime]") {
  prime_fixture test;
  CHECK(test(" 157\r\n") == "157 is a prime number.");
  CHECK(test("\t000157") == "157 is a prime number.");
  CHECK(test("000") == "0 is not a prime number.");
  CHECK(test(std::string(5000, '0') + "7") == "7 is a prime number.");
}

TEST_CASE("a large body is parsed in steps of limited size", "[prime]") {
  prime_fixture test;
  constexpr std::size_t piece = prime::trimmed_bytes_a_step;
  std::size_t steps = 0;
  CHECK(test(std::string(3 * piece, ' ') + "157" + std::string(2 * piece, '\n'), &steps) == "157 is a prime number.");
  CHECK(steps >= 6);
  CHECK(test(std::string(4 * piece, '0') + "7", &steps) == "7 is a prime number.");
  CHECK(steps >= 5);
  CHECK(test(std::string(2 * piece, '0')) == "0 is not a prime number.");
  CHECK(test(std::string(2 * piece, ' '), &steps) == "\"\" is not a number");
  CHECK(steps >= 3);
  CHECK(test(std::string(2 * piece, ' ') + "00x") == "\"x\" is not a number");
  CHECK(test(std::string(2 * piece, '1')).ends_with("is longer than bits_max (4096 bits)"));
  for (const std::size_t bytes : {prime::read_at_once_bytes_max, prime::read_at_once_bytes_max + 1})
    CHECK(test(std::string(bytes - 3, ' ') + "157") == "157 is a prime number.");
}

TEST_CASE("a body that is not a number fails the job and is quoted in the error", "[prime]") {
  prime_fixture test;
  CHECK(test("abc") == "\"abc\" is not a number");
  CHECK(test("") == "\"\" is not a number");
  CHECK(test(" \n") == "\"\" is not a number");
  for (const std::string text : {"-7", "+7", "0x1f", "1e9", "12.0", "1 2", "7,", "1_000"}) {
    CAPTURE(text);
    CHECK(test(text) == '"' + text + "\" is not a number");
  }
}

TEST_CASE("a body that prime can never test fails with the code rejected", "[prime]") {
  prime_fixture fast;
  prime_fixture by_trial{trial_options()};
  const auto code_of = [](prime_fixture& test, const std::string& content) {
    return compute(test.handler, content).error().code;
  };
  CHECK(code_of(fast, "abc") == errc::rejected);
  CHECK(code_of(fast, std::string(2'000, '9')) == errc::rejected);
  CHECK(code_of(by_trial, "18446744073709551616") == errc::rejected);
}

TEST_CASE("a quoted body is cut, and its unprintable characters are escaped", "[prime]") {
  prime_fixture test;
  CHECK(test(std::string{"1\0\n2\x1b\xff\"", 7}) == "\"1\\x00\\x0a2\\x1b\\xff\\\"\" is not a number");
  CHECK(test(std::string(100'000, 'x')) == '"' + std::string(40, 'x') + "...\" is not a number");
}

TEST_CASE("the error of a number with a million digits shows the first 40 and counts them", "[prime]") {
  prime_fixture test;
  CHECK(test(std::string(1'000'000, '9')) ==
        '"' + std::string(40, '9') + "...\", a number of 1000000 digits, is longer than bits_max (4096 bits)");
}

TEST_CASE("prime tests a number of exactly bits_max bits and refuses one that is a bit longer", "[prime]") {
  prime_fixture eight{{prime_method::fast, 8}};
  CHECK(eight("251") == "251 is a prime number.");
  CHECK(eight("255") == "255 is not a prime number.");
  CHECK(eight("257") == "\"257\", a number of 3 digits, is longer than bits_max (8 bits)");
  prime_fixture sixty_four{{prime_method::fast, 64}};
  CHECK(sixty_four("18446744073709551557") == "18446744073709551557 is a prime number.");
  CHECK(sixty_four("18446744073709551616") ==
        "\"18446744073709551616\", a number of 20 digits, is longer than bits_max (64 bits)");
  prime_fixture sixty_five{{prime_method::fast, 65}};
  CHECK(sixty_five("36893488147419103231") == "36893488147419103231 is not a prime number.");
  CHECK(sixty_five("36893488147419103233") ==
        "\"36893488147419103233\", a number of 20 digits, is longer than bits_max (65 bits)");
}

TEST_CASE("trial division refuses numbers beyond 64 bits", "[prime]") {
  prime_fixture test{trial_options()};
  CHECK(test("18446744073709551616") ==
        "\"18446744073709551616\", a number of 20 digits, is longer than the 64 bits of method trial");
}

TEST_CASE("the fast method and trial division agree with a sieve below 1,000,000", "[prime]") {
  constexpr std::uint64_t limit = 1'000'000;
  std::vector<bool> composite(limit, false);
  composite[0] = composite[1] = true;
  for (std::uint64_t p = 2; p * p < limit; ++p) {
    if (composite[p]) continue;
    for (std::uint64_t multiple = p * p; multiple < limit; multiple += p) composite[multiple] = true;
  }
  std::uint64_t wrong = 0;
  for (std::uint64_t number = 0; number < limit; ++number) wrong += is_prime(number) == composite[number] ? 1 : 0;
  CHECK(wrong == 0);
  prime_fixture fast;
  prime_fixture by_trial{trial_options()};
  for (std::uint64_t number = 0; number < limit; number += number < 20'000 ? 1 : 97) {
    const std::string expected = verdict(number, !composite[number]);
    wrong += fast(std::to_string(number)) != expected ? 1 : 0;
    wrong += by_trial(std::to_string(number)) != expected ? 1 : 0;
  }
  CHECK(wrong == 0);
}

TEST_CASE("trial division and the fast method agree around 2^32 and on random numbers", "[prime]") {
  prime_fixture fast;
  prime_fixture by_trial{trial_options()};
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t number = (1ull << 32) - 200; number < (1ull << 32) + 200; ++number) numbers.push_back(number);
  std::mt19937_64 random{20'240'229};
  for (int i = 0; i < 300; ++i) numbers.push_back(random() >> 24 | 1);
  // Squares of primes: the divisor is the very last one.
  for (const std::uint64_t p : {65'521u, 65'537u, 1'048'583u, 16'777'213u}) numbers.push_back(p * p);
  for (const std::uint64_t number : numbers) {
    CAPTURE(number);
    CHECK(fast(std::to_string(number)) == by_trial(std::to_string(number)));
  }
}

TEST_CASE("both methods find small divisors just below 2^64, and the fast method decides the largest prime there",
          "[prime]") {
  prime_fixture fast;
  prime_fixture by_trial{trial_options()};
  for (std::uint64_t offset = 1; offset < 59; ++offset) {
    // 2^64 - 59 is prime, and the numbers above it are not. Trial division of those without a small divisor may take
    // up to 2^31 divisions.
    const std::uint64_t number = 0 - offset;
    if (!(number % 3 == 0 || number % 5 == 0 || number % 7 == 0 || number % 2 == 0)) continue;
    CAPTURE(number);
    CHECK(fast(std::to_string(number)) == verdict(number, false));
    CHECK(by_trial(std::to_string(number)) == verdict(number, false));
  }
  CHECK(fast("18446744073709551557") == "18446744073709551557 is a prime number.");
  CHECK(fast("18446744030759878681") == "18446744030759878681 is not a prime number.");
}

TEST_CASE("trial division makes at most 100,000 divisions in one step", "[prime]") {
  prime_fixture test{trial_options()};
  std::size_t steps = 0;
  CHECK(test("157", &steps) == "157 is a prime number.");
  CHECK(steps == 1);
  // Odd divisors from 3 to 20,686: 10,342 of them.
  CHECK(test("427920331", &steps) == "427920331 is a prime number.");
  CHECK(steps == 1);
  // Odd divisors from 3 to 98,170,921: 49,085,460 of them.
  CHECK(test("9637529763296797", &steps) == "9637529763296797 is a prime number.");
  CHECK(steps == 491);
}

TEST_CASE("with the fast method a prime of 64 bits and one of 127 bits take one step each", "[prime]") {
  prime_fixture test;
  std::size_t steps = 0;
  CHECK(test("18446744073709551557", &steps) == "18446744073709551557 is a prime number.");
  CHECK(steps == 1);
  CHECK(test("170141183460469231731687303715884105727", &steps) ==
        "170141183460469231731687303715884105727 is a prime number.");
  CHECK(steps == 1);
}

TEST_CASE("threads that tested small and large numbers leave no memory behind", "[prime]") {
  // The address sanitizer reports memory that is left. Without it, only the results are checked.
  for (int round = 0; round < 4; ++round) {
    bool right = false;
    std::thread worker{
        [&right] { right = is_prime(999'983) && is_prime(18'446'744'073'709'551'557u) && !is_prime(561); }};
    worker.join();
    CHECK(right);
  }
}
