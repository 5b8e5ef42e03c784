#include <cstdlib>
#include <iostream>
#include <random>

#include "engine/duel.hpp"
#include "support/catch.hpp"

using namespace millrace::engine::testing;

namespace {

/// MILLRACE_MODEL_COMMANDS: how many commands all duels of one kind get together.
std::size_t commands(std::size_t otherwise) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the environment never changes
  const char* const said = std::getenv("MILLRACE_MODEL_COMMANDS");
  return said == nullptr ? otherwise : std::strtoull(said, nullptr, 10);
}

/// New ones each time, printed; MILLRACE_MODEL_SEED repeats a run.
std::uint64_t first_seed() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the environment never changes
  const char* const said = std::getenv("MILLRACE_MODEL_SEED");
  return said == nullptr ? std::random_device{}() : std::strtoull(said, nullptr, 10);
}

/// `storm_every`: steps from one storm to the next; 0 is none.
void fight(duel_options options, std::size_t rounds, std::size_t all_commands, std::size_t storm_every = 0) {
  options.seed = first_seed();
  std::cout << "seeds " << options.seed << " and " << rounds - 1 << " more\n";
  const bool reads_bodies = options.bodies_on_disk && all_commands / rounds > 1'000;
  std::uint64_t bodies_read = 0, outcomes_put = 0;
  for (std::size_t round = 0; round < rounds; ++round, ++options.seed) {
    duel each{options};
    for (std::size_t n = 1; n <= all_commands / rounds; ++n) {
      const bool storm = storm_every != 0 && n % storm_every == 0;
      const auto difference = storm ? each.storm() : each.step();
      if (!difference.empty()) FAIL(difference);
    }
    bodies_read += each.bodies_read();
    outcomes_put += each.outcomes_put();
  }
  if (all_commands > 10'000) CHECK(outcomes_put > 0);
  // Of all rounds: one in which puts are refused from the beginning reads none.
  if (reads_bodies) CHECK(bodies_read > 0);
}

}  // namespace

TEST_CASE("a few jobs: the engine does what its model does, after each of many random commands") {
  fight({.jobs_about = 12, .sessions_about = 5}, 180, commands(450'000));
}

TEST_CASE("dozens of jobs and sessions: the same") {
  fight({.jobs_about = 40, .sessions_about = 12}, 30, commands(300'000));
}

TEST_CASE("with bodies on disk that come at once: the same") {
  fight({.jobs_about = 30, .sessions_about = 7, .bodies_on_disk = true}, 60, commands(300'000));
}

TEST_CASE("storms: the same when a thousand jobs a turn are not enough") {
  fight({.jobs_about = 2'000, .sessions_about = 8, .compare_every = 31, .small_limits = false}, 6,
        commands(450'000) / 150, 40);
}
