// The core of `prime` for 64 bits beside FLINT's n_is_prime, on the same numbers; and what a whole computation around
// it costs.

#include <benchmark/benchmark.h>
#include <flint/ulong_extras.h>

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "handlers/prime.hpp"
#include "handlers/prime_fast.hpp"

namespace {

constexpr std::size_t numbers_count = 4096;

const std::vector<std::uint64_t>& random_odd() {
  static const auto numbers = [] {
    std::mt19937_64 random{1};
    std::vector<std::uint64_t> all(numbers_count);
    for (std::uint64_t& number : all) number = random() | std::uint64_t{1} << 63 | 1;
    return all;
  }();
  return numbers;
}

const std::vector<std::uint64_t>& primes_near_2_63() {
  static const auto numbers = [] {
    std::vector<std::uint64_t> all;
    for (std::uint64_t number = (std::uint64_t{1} << 63) + 1; all.size() < numbers_count; number += 2)
      if (n_is_prime(number) != 0) all.push_back(number);
    return all;
  }();
  return numbers;
}

bool core(std::uint64_t number) { return millrace::handlers::is_prime(number); }
bool bare(std::uint64_t number) { return n_is_prime(number) != 0; }
bool whole(std::uint64_t number) {
  const auto work = millrace::handlers::prime_fast(number);
  work->step();
  return work->take_result()->find(" not ") == std::string::npos;
}

template <bool (*test)(std::uint64_t)>
std::uint64_t count_primes(const std::vector<std::uint64_t>& numbers) {
  std::uint64_t primes = 0;
  for (const std::uint64_t number : numbers) primes += test(number) ? 1 : 0;
  return primes;
}

template <bool (*test)(std::uint64_t)>
void run(benchmark::State& state, const std::vector<std::uint64_t>& numbers) {
  for (auto _ : state) benchmark::DoNotOptimize(count_primes<test>(numbers));
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * numbers.size()));
}

/// Takes turns, so that whatever disturbs the machine disturbs both.
void ratio(benchmark::State& state, const std::vector<std::uint64_t>& numbers) {
  using clock = std::chrono::steady_clock;
  clock::duration ours{};
  clock::duration theirs{};
  for (auto _ : state) {
    const auto began = clock::now();
    benchmark::DoNotOptimize(count_primes<core>(numbers));
    const auto between = clock::now();
    benchmark::DoNotOptimize(count_primes<bare>(numbers));
    ours += between - began;
    theirs += clock::now() - between;
  }
  state.counters["ratio"] = std::chrono::duration<double>(theirs) / std::chrono::duration<double>(ours);
}

void prime_core_random(benchmark::State& state) { run<core>(state, random_odd()); }
void flint_random(benchmark::State& state) { run<bare>(state, random_odd()); }
void prime_whole_random(benchmark::State& state) { run<whole>(state, random_odd()); }
void prime_ratio_random(benchmark::State& state) { ratio(state, random_odd()); }
void prime_core_primes(benchmark::State& state) { run<core>(state, primes_near_2_63()); }
void flint_primes(benchmark::State& state) { run<bare>(state, primes_near_2_63()); }
void prime_whole_primes(benchmark::State& state) { run<whole>(state, primes_near_2_63()); }
void prime_ratio_primes(benchmark::State& state) { ratio(state, primes_near_2_63()); }

BENCHMARK(prime_core_random);
BENCHMARK(flint_random);
BENCHMARK(prime_whole_random);
BENCHMARK(prime_ratio_random);
BENCHMARK(prime_core_primes);
BENCHMARK(flint_primes);
BENCHMARK(prime_whole_primes);
BENCHMARK(prime_ratio_primes);

}  // namespace
