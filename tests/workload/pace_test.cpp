#include "workload/pace.hpp"

#include <cmath>
#include <vector>

#include "support/catch.hpp"

using namespace millrace;
using workload::pace;
using workload::producer_options;

namespace {

constexpr instant start{hours{1}};

}  // namespace

TEST_CASE("without a rate a body is always due and never late") {
  pace schedule{producer_options{}, std::nullopt, start};
  CHECK(schedule.due() <= start);
  CHECK(schedule.put(start + seconds{10}) == duration::zero());
  CHECK(schedule.due() <= start + seconds{10});
  CHECK_FALSE(schedule.over(start + hours{1'000}));
}

TEST_CASE("a constant rate keeps its schedule without drift") {
  pace schedule{producer_options{.rate = 3.0}, std::nullopt, start};
  CHECK(schedule.due() == start);
  duration late{0};
  for (int i = 0; i < 3'000'000; ++i) late += schedule.put(schedule.due());
  CHECK(late == duration::zero());
  CHECK(schedule.due() == start + seconds{1'000'000});
}

TEST_CASE("a producer with a limit ends after so many bodies") {
  pace schedule{producer_options{.rate = 10.0}, 2, start};
  schedule.put(start);
  CHECK_FALSE(schedule.over(start));
  schedule.put(schedule.due());
  CHECK(schedule.due() == never);
  CHECK(schedule.over(start));
  CHECK(pace{producer_options{}, 0, start}.over(start));
}

TEST_CASE("a producer with run_for ends when its next body would come too late") {
  pace schedule{producer_options{.rate = 1.0, .run_for = milliseconds{2'500}}, std::nullopt, start};
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(schedule.over(schedule.due()));
    schedule.put(schedule.due());
  }
  CHECK(schedule.over(start + seconds{2}));
  CHECK(schedule.end() == start + milliseconds{2'500});

  pace unpaced{producer_options{.run_for = seconds{1}}, std::nullopt, start};
  CHECK_FALSE(unpaced.over(start + milliseconds{999}));
  CHECK(unpaced.over(start + seconds{1}));
}

TEST_CASE("a producer that falls behind catches up, and each put returns how late it is") {
  pace schedule{producer_options{.rate = 10.0}, std::nullopt, start};
  schedule.put(start);
  const auto now = start + milliseconds{550};

  CHECK(schedule.put(now) == milliseconds{450});
  unsigned at_once = 0;
  for (; schedule.due() <= now; ++at_once) schedule.put(now);

  CHECK(at_once == 4);
  CHECK(schedule.due() == start + milliseconds{600});
}

TEST_CASE("bodies that are late by more than a second are left out") {
  pace schedule{producer_options{.rate = 10.0}, std::nullopt, start};
  schedule.put(start);
  const auto now = start + minutes{10};

  CHECK(schedule.put(now) > minutes{9});
  unsigned at_once = 0;
  for (; schedule.due() <= now; ++at_once) CHECK(schedule.put(now) <= pace::catch_up_max);

  CHECK(at_once == 11);
  CHECK(schedule.due() == now + milliseconds{100});
}

TEST_CASE("a source that had nothing is not late") {
  pace schedule{producer_options{.rate = 10.0}, std::nullopt, start};
  schedule.put(start);
  schedule.had_nothing_until(start + minutes{10});

  CHECK(schedule.due() == start + minutes{10});
  CHECK(schedule.put(start + minutes{10}) == duration::zero());
  CHECK(schedule.due() == start + minutes{10} + milliseconds{100});
}

TEST_CASE("Poisson arrivals have exponential gaps with the rate's mean, the same for the same seed") {
  const producer_options options{.rate = 100.0, .pattern = workload::arrivals::poisson, .seed = 7};
  pace first{options, std::nullopt, start};
  pace second{options, std::nullopt, start};
  constexpr int bodies = 100'000;
  double sum = 0;
  double squares = 0;
  instant last = start;
  for (int i = 0; i < bodies; ++i) {
    const auto due = first.due();
    REQUIRE(second.due() == due);
    const auto gap = in_seconds(due - last);
    sum += gap;
    squares += gap * gap;
    last = due;
    first.put(due);
    second.put(due);
  }
  const double mean = sum / bodies;
  CHECK(mean == Approx(0.01).epsilon(0.02));
  // Of an exponential distribution the deviation is the mean.
  CHECK(std::sqrt(squares / bodies - mean * mean) == Approx(0.01).epsilon(0.03));
}

TEST_CASE("a rate next to nothing means never, without overflow") {
  pace schedule{producer_options{.rate = 1e-300}, std::nullopt, start};
  schedule.put(start);
  CHECK(schedule.due() > start + hours{24 * 365});
}
