#include <cstdlib>
#include <iostream>
#include <random>

#include "engine/duel.hpp"
#include "support/catch.hpp"

using namespace millrace::engine::testing;

namespace {

/// How many commands all duels of one test run together; MILLRACE_MODEL_COMMANDS replaces the default.
std::size_t commands(std::size_t default_count) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the environment never changes
  const char* const text = std::getenv("MILLRACE_MODEL_COMMANDS");
  return text == nullptr ? default_count : std::strtoull(text, nullptr, 10);
}

/// Random, and printed by the test; MILLRACE_MODEL_SEED repeats a run.
std::uint64_t first_seed() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the environment never changes
  const char* const text = std::getenv("MILLRACE_MODEL_SEED");
  return text == nullptr ? std::random_device{}() : std::strtoull(text, nullptr, 10);
}

/// `storm_every`: steps from one storm to the next; 0 means no storms.
void run_duels(duel_options options, std::size_t duels, std::size_t all_commands, std::size_t storm_every = 0) {
  options.seed = first_seed();
  std::cout << "seeds " << options.seed << " and " << duels - 1 << " more\n";
  const std::size_t steps = all_commands / duels;
  const bool must_read_bodies = options.bodies_on_disk && steps > 1'000;
  std::uint64_t bodies_read = 0, outcomes_put = 0;
  for (std::size_t i = 0; i < duels; ++i, ++options.seed) {
    duel duel{options};
    for (std::size_t step = 1; step <= steps; ++step) {
      const bool is_storm = storm_every != 0 && step % storm_every == 0;
      const auto difference = is_storm ? duel.run_storm() : duel.run_step();
      if (!difference.empty()) FAIL(difference);
    }
    bodies_read += duel.bodies_read();
    outcomes_put += duel.outcomes_put();
  }
  if (all_commands > 10'000) CHECK(outcomes_put > 0);
  // The sum of all duels: a duel that refuses puts from the beginning reads no body.
  if (must_read_bodies) CHECK(bodies_read > 0);
}

}  // namespace

TEST_CASE("with a few jobs, the engine equals its model after each of many random commands") {
  run_duels({.typical_jobs = 12, .typical_sessions = 5}, 180, commands(450'000));
}

TEST_CASE("with dozens of jobs and sessions, the engine equals its model after each of many random commands") {
  run_duels({.typical_jobs = 40, .typical_sessions = 12}, 30, commands(300'000));
}

TEST_CASE("with bodies on disk, the engine equals its model after each of many random commands") {
  run_duels({.typical_jobs = 30, .typical_sessions = 7, .bodies_on_disk = true}, 60, commands(300'000));
}

TEST_CASE("with more jobs than one turn moves, the engine equals its model after random commands") {
  run_duels({.typical_jobs = 2'000, .typical_sessions = 8, .steps_per_comparison = 31, .small_limits = false}, 6,
            commands(450'000) / 150, 40);
}
