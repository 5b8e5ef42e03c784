#include "handlers/prime_large.hpp"

#include <gmp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "handlers/prime_verdict.hpp"

namespace millrace::handlers {

namespace {

/// Owns an integer of GMP. Its memory is on the heap, so one thread after another may use it.
class integer {
 public:
  integer() { mpz_init(value_); }
  ~integer() { mpz_clear(value_); }
  integer(const integer&) = delete;
  integer& operator=(const integer&) = delete;
  operator mpz_ptr() { return value_; }
  operator mpz_srcptr() const { return value_; }
  mpz_srcptr operator->() const { return value_; }  ///< for the macros of GMP

 private:
  mpz_t value_;
};

/// Products of the odd primes below 1000, each as many as fit into a word: one division by a word tests about seven
/// primes.
constexpr auto small_prime_products = [] {
  std::array<std::uint64_t, 32> products{1};
  std::size_t last = 0;
  for (std::uint64_t number = 3; number < 1000; number += 2) {
    bool is_prime = true;
    for (std::uint64_t divisor = 3; divisor * divisor <= number; divisor += 2)
      is_prime = is_prime && number % divisor != 0;
    if (!is_prime) continue;
    if (products[last] > ~std::uint64_t{0} / number) products[++last] = 1;
    products[last] *= number;
  }
  return products;
}();

/// So many take about a millisecond. One multiplication with remainder took 3.4 µs at 4253 bits. Its cost is at most
/// quadratic in the bits.
std::uint64_t multiplications_per_step(std::uint64_t bits) {
  constexpr std::uint64_t square_bits_per_step = 5'000'000'000;
  return std::max<std::uint64_t>(square_bits_per_step / (bits * bits), 1);
}

/// The first step reads the number and divides it by small primes. Only for numbers up to this length, the strong test
/// begins in the same step.
constexpr std::uint64_t read_and_test_bits_max = 2048;

/// The two tests that the header names, one stage after another.
class baillie_psw : public offload::computation {
 public:
  baillie_psw(body content, std::string_view digits, std::uint32_t bits_max)
      : content_{std::move(content)}, digits_{digits}, bits_max_{bits_max} {}

  offload::progress step() override {
    if (stage_ == stage::read) {
      read();
      if (bits_ > read_and_test_bits_max && stage_ != stage::ended) return offload::progress::more;
    }
    for (std::uint64_t left = multiplications_per_step(bits_); left > 0 && stage_ != stage::ended; --left) {
      if (stage_ == stage::strong)
        square_for_strong_test();
      else
        double_for_lucas_test();
    }
    return stage_ == stage::ended ? offload::progress::done : offload::progress::more;
  }

  result<std::string> take_result() override {
    if (bits_ > bits_max_) return number_too_long(digits_, bits_max_);
    return prime_verdict(digits_, is_prime_);
  }

 private:
  enum class stage { read, strong, lucas, ended };

  void end(bool is_prime) {
    is_prime_ = is_prime;
    stage_ = stage::ended;
  }

  void read() {
    mpz_set_str(number_, std::string{digits_}.c_str(), 10);
    bits_ = mpz_sizeinbase(number_, 2);
    if (bits_ > bits_max_ || mpz_even_p(number_) != 0) return end(false);
    for (const std::uint64_t product : small_prime_products) {
      if (product != 0 && mpz_gcd_ui(nullptr, number_, product) != 1) return end(false);
    }
    mpz_sub_ui(number_less_1_, number_, 1);
    twos_ = mpz_scan1(number_less_1_, 0);
    bit_ = bits_ - 1;
    mpz_set_ui(power_, 2);
    stage_ = stage::strong;
  }

  // Left to right over the bits of number - 1 = odd * 2^twos. The power is 2^odd when `bit_` is `twos_`; after that
  // come its squares. The number passes if 2^odd is 1 or -1, or if one of the squares is -1.
  void square_for_strong_test() {
    --bit_;
    mpz_mul(product_, power_, power_);
    mpz_tdiv_r(power_, product_, number_);
    if (mpz_tstbit(number_less_1_, bit_) != 0) {
      mpz_mul_2exp(power_, power_, 1);
      if (mpz_cmp(power_, number_) >= 0) mpz_sub(power_, power_, number_);
    }
    const bool passes =
        bit_ <= twos_ && (mpz_cmp(power_, number_less_1_) == 0 || (bit_ == twos_ && mpz_cmp_ui(power_, 1) == 0));
    if (passes) return begin_lucas_test();
    if (bit_ <= 1) end(false);
  }

  // Selfridge: the first D of 5, -7, 9, -11, ... with (D/number) = -1; P = 1, Q = (1 - D) / 4. A square has no such D.
  void begin_lucas_test() {
    if (mpz_perfect_square_p(number_) != 0) return end(false);
    long d = 5;
    for (int symbol = 0; (symbol = mpz_si_kronecker(d, number_)) != -1; d = d > 0 ? -(d + 2) : 2 - d) {
      if (symbol == 0) return end(false);  // a common divisor: |d| is far below the number
    }
    if (!set_a((1 - d) / 4)) return end(false);
    mpz_add_ui(half_, number_, 1);
    mpz_tdiv_q_2exp(half_, half_, 1);
    bit_ = mpz_sizeinbase(half_, 2);
    mpz_set_ui(v_, 2);
    mpz_set(next_v_, a_);
    stage_ = stage::lucas;
  }

  // a = P^2 / Q - 2. The inverse of |Q| is (k * number + 1) / |Q|, with the k that leaves no remainder. |Q| is small,
  // so k is found by trial. False: there is none.
  bool set_a(long q) {
    const auto size = static_cast<std::uint64_t>(q < 0 ? -q : q);
    const std::uint64_t rest = mpz_tdiv_ui(number_, size);
    std::uint64_t k = 0;
    while (k < size && (k * rest + 1) % size != 0) ++k;
    if (k == size) return false;  // Q and the number have a common divisor
    mpz_mul_ui(a_, number_, k);
    mpz_add_ui(a_, a_, 1);
    mpz_divexact_ui(a_, a_, size);
    if (q < 0) mpz_neg(a_, a_);
    mpz_sub_ui(a_, a_, 2);
    mpz_mod(a_, a_, number_);
    return true;
  }

  // R. Crandall, C. Pomerance, Prime Numbers, 3.6.3: with V of parameters (a, 1) and m = (number + 1) / 2, the number
  // divides U(number + 1) if and only if it divides a * V(m) - 2 * V(m + 1). Keeps V(k) and V(k + 1), where k is the
  // number that the leading bits of m form.
  void double_for_lucas_test() {
    --bit_;
    const bool one = mpz_tstbit(half_, bit_) != 0;
    mpz_mul(product_, v_, next_v_);
    mpz_sub(product_, product_, a_);
    mpz_mod(one ? v_ : next_v_, product_, number_);
    mpz_ptr doubled = one ? next_v_ : v_;
    mpz_mul(product_, doubled, doubled);
    mpz_sub_ui(product_, product_, 2);
    mpz_mod(doubled, product_, number_);
    if (bit_ > 0) return;
    mpz_mul(product_, a_, v_);
    mpz_submul_ui(product_, next_v_, 2);
    end(mpz_divisible_p(product_, number_) != 0);
  }

  body content_;
  std::string_view digits_;  ///< in `content_`
  std::uint32_t bits_max_;
  stage stage_{stage::read};
  bool is_prime_{false};
  std::uint64_t bits_{0};
  std::uint64_t bit_{0};   ///< the bits of the exponent from this one up are done
  std::uint64_t twos_{0};  ///< number - 1 is odd * 2^twos
  integer number_, number_less_1_, power_, half_, a_, v_, next_v_, product_;
};

}  // namespace

std::unique_ptr<offload::computation> prime_large(body content, std::string_view digits, std::uint32_t bits_max) {
  return std::make_unique<baillie_psw>(std::move(content), digits, bits_max);
}

}  // namespace millrace::handlers
