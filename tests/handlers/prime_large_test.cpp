#include "handlers/prime_large.hpp"

#include <gmp.h>

#include <string>
#include <vector>

#include "handlers/prime.hpp"
#include "handlers/program.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::handlers;

namespace {

struct number {
  number() { mpz_init(value); }
  ~number() { mpz_clear(value); }
  number(const number&) = delete;
  number& operator=(const number&) = delete;

  std::string digits() const {
    std::string text(mpz_sizeinbase(value, 10) + 2, '\0');
    mpz_get_str(text.data(), 10, value);
    text.resize(text.find('\0'));
    return text;
  }
  mpz_t value;
};

struct random_numbers {
  random_numbers() {
    gmp_randinit_mt(state);
    gmp_randseed_ui(state, 4711);
  }
  ~random_numbers() { gmp_randclear(state); }
  gmp_randstate_t state;
};

/// The test of GMP: Baillie-PSW, and 16 strong tests to random bases.
bool peer_says_prime(const number& candidate) { return mpz_probab_prime_p(candidate.value, 40) != 0; }

std::string large(prime& handler, const number& candidate, std::size_t* steps = nullptr) {
  return text_of(compute(handler, candidate.digits(), steps));
}

std::string verdict(const number& candidate, bool is_prime) {
  return candidate.digits() + (is_prime ? " is a prime number." : " is not a prime number.");
}

}  // namespace

TEST_CASE("random numbers beyond 64 bits and the primes after them get the verdict of GMP", "[prime]") {
  handler_fixture fixture;
  prime handler{{}, fixture.context};
  random_numbers random;
  for (unsigned bits = 65; bits < 700; bits += bits < 140 ? 1 : 61) {
    for (int round = 0; round < 4; ++round) {
      number candidate;
      mpz_urandomb(candidate.value, random.state, bits);
      mpz_setbit(candidate.value, bits - 1);
      mpz_setbit(candidate.value, 0);
      CHECK(large(handler, candidate) == verdict(candidate, peer_says_prime(candidate)));
      mpz_nextprime(candidate.value, candidate.value);
      CHECK(large(handler, candidate) == verdict(candidate, true));
    }
  }
}

TEST_CASE("products of two primes beyond 64 bits, equal or not, are composite", "[prime]") {
  handler_fixture fixture;
  prime handler{{}, fixture.context};
  random_numbers random;
  for (unsigned bits = 33; bits < 400; bits += 23) {
    number a, b, product;
    mpz_urandomb(a.value, random.state, bits);
    mpz_setbit(a.value, bits);
    mpz_nextprime(a.value, a.value);
    mpz_nextprime(b.value, a.value);
    mpz_mul(product.value, a.value, b.value);
    CHECK(large(handler, product) == verdict(product, false));
    mpz_mul(product.value, a.value, a.value);
    CHECK(large(handler, product) == verdict(product, false));
    // 2p - 1 and p both prime make p (2p - 1) a frequent strong pseudoprime to base 2.
    mpz_mul_ui(b.value, a.value, 2);
    mpz_sub_ui(b.value, b.value, 1);
    mpz_mul(product.value, a.value, b.value);
    CHECK(large(handler, product) == verdict(product, false));
  }
}

TEST_CASE("a divisor below 1000 is found for every such prime", "[prime]") {
  handler_fixture fixture;
  prime handler{{}, fixture.context};
  number large_prime, product;
  mpz_ui_pow_ui(large_prime.value, 2, 127);
  mpz_sub_ui(large_prime.value, large_prime.value, 1);
  for (unsigned divisor = 2; divisor < 1000; ++divisor) {
    mpz_mul_ui(product.value, large_prime.value, divisor);
    std::size_t steps = 0;
    CHECK(large(handler, product, &steps) == verdict(product, false));
    CHECK(steps == 1);
  }
}

TEST_CASE("a prime of 4096 bits takes many steps, and a composite number of this length few", "[prime]") {
  handler_fixture fixture;
  prime handler{{}, fixture.context};
  number candidate;
  // The least prime of 4096 bits that GMP finds above 2^4095.
  mpz_ui_pow_ui(candidate.value, 2, 4095);
  mpz_nextprime(candidate.value, candidate.value);
  std::size_t steps = 0;
  CHECK(large(handler, candidate, &steps) == verdict(candidate, true));
  CHECK(steps > 20);
  CHECK(steps < 200);
  mpz_mul_ui(candidate.value, candidate.value, 0);
  mpz_setbit(candidate.value, 4095);
  mpz_add_ui(candidate.value, candidate.value, 15);
  CHECK(large(handler, candidate) == verdict(candidate, peer_says_prime(candidate)));
  mpz_ui_pow_ui(candidate.value, 2, 4096);
  CHECK(large(handler, candidate) == "\"" + candidate.digits().substr(0, 40) +
                                         "...\", a number of 1234 digits, is longer than bits_max (4096 bits)");
}

TEST_CASE("the test of a number of a million bits can be started and abandoned", "[prime]") {
  handler_fixture fixture;
  prime handler{{prime_method::fast, prime_bits_limit}, fixture.context};
  number candidate;
  mpz_ui_pow_ui(candidate.value, 2, 999'983);
  mpz_sub_ui(candidate.value, candidate.value, 1);
  const result<std::unique_ptr<offload::computation>> work = handler.begin(job_with(candidate.digits()));
  REQUIRE(work.has_value());
  for (int step = 0; step < 4; ++step) CHECK((*work)->step() == offload::progress::more);
}
