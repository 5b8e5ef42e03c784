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
  pace it{producer_options{}, std::nullopt, start};
  CHECK(it.due() <= start);
  CHECK(it.put(start + seconds{10}) == duration::zero());
  CHECK(it.due() <= start + seconds{10});
  CHECK_FALSE(it.over(start + hours{1'000}));
}

TEST_CASE("a constant rate keeps its schedule without drift") {
  pace it{producer_options{.rate = 3.0}, std::nullopt, start};
  CHECK(it.due() == start);
  duration late{0};
  for (int i = 0; i < 3'000'000; ++i) late += it.put(it.due());
  CHECK(late == duration::zero());
  CHECK(it.due() == start + seconds{1'000'000});
}

TEST_CASE("a limit ends it after so many bodies") {
  pace it{producer_options{.rate = 10.0}, 2, start};
  it.put(start);
  CHECK_FALSE(it.over(start));
  it.put(it.due());
  CHECK(it.due() == never);
  CHECK(it.over(start));
  CHECK(pace{producer_options{}, 0, start}.over(start));
}

TEST_CASE("a time to run ends it when the next body would come too late") {
  pace it{producer_options{.rate = 1.0, .run_for = milliseconds{2'500}}, std::nullopt, start};
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(it.over(it.due()));
    it.put(it.due());
  }
  CHECK(it.over(start + seconds{2}));
  CHECK(it.end() == start + milliseconds{2'500});

  pace unpaced{producer_options{.run_for = seconds{1}}, std::nullopt, start};
  CHECK_FALSE(unpaced.over(start + milliseconds{999}));
  CHECK(unpaced.over(start + seconds{1}));
}

TEST_CASE("who falls behind catches up, and is told how late it was") {
  pace it{producer_options{.rate = 10.0}, std::nullopt, start};
  it.put(start);
  const auto now = start + milliseconds{550};

  CHECK(it.put(now) == milliseconds{450});
  unsigned at_once = 0;
  for (; it.due() <= now; ++at_once) it.put(now);

  CHECK(at_once == 4);
  CHECK(it.due() == start + milliseconds{600});
}

TEST_CASE("what is missed beyond a second is forgotten") {
  pace it{producer_options{.rate = 10.0}, std::nullopt, start};
  it.put(start);
  const auto now = start + minutes{10};

  CHECK(it.put(now) > minutes{9});
  unsigned at_once = 0;
  for (; it.due() <= now; ++at_once) CHECK(it.put(now) <= pace::catch_up_max);

  CHECK(at_once == 11);
  CHECK(it.due() == now + milliseconds{100});
}

TEST_CASE("a source that had nothing is not late") {
  pace it{producer_options{.rate = 10.0}, std::nullopt, start};
  it.put(start);
  it.had_nothing_until(start + minutes{10});

  CHECK(it.due() == start + minutes{10});
  CHECK(it.put(start + minutes{10}) == duration::zero());
  CHECK(it.due() == start + minutes{10} + milliseconds{100});
}

TEST_CASE("Poisson arrivals have exponential gaps with the rate's mean, the same for the same seed") {
  const producer_options told{.rate = 100.0, .pattern = workload::arrivals::poisson, .seed = 7};
  pace one{told, std::nullopt, start};
  pace other{told, std::nullopt, start};
  constexpr int bodies = 100'000;
  double sum = 0;
  double squares = 0;
  instant last = start;
  for (int i = 0; i < bodies; ++i) {
    const auto due = one.due();
    REQUIRE(other.due() == due);
    const auto gap = in_seconds(due - last);
    sum += gap;
    squares += gap * gap;
    last = due;
    one.put(due);
    other.put(due);
  }
  const double mean = sum / bodies;
  CHECK(mean == Approx(0.01).epsilon(0.02));
  // Of an exponential distribution the deviation is the mean.
  CHECK(std::sqrt(squares / bodies - mean * mean) == Approx(0.01).epsilon(0.03));
}

TEST_CASE("a rate next to nothing means never, without overflow") {
  pace it{producer_options{.rate = 1e-300}, std::nullopt, start};
  it.put(start);
  CHECK(it.due() > start + hours{24 * 365});
}
