#include "loop/adaptive_spin.hpp"

#include "support/catch.hpp"

using namespace millrace;

namespace {

int count_looks(loop::adaptive_spin& spin) {
  int looks = 0;
  CHECK_FALSE(spin.until([&] {
    ++looks;
    return false;
  }));
  return looks;
}

}  // namespace

TEST_CASE("a thread whose last sleep was short looks longer before the next, and no longer than that") {
  loop::adaptive_spin spin;
  const int at_first = count_looks(spin);
  spin.slept(std::chrono::microseconds{60});
  const int after_short = count_looks(spin);
  CHECK(after_short > 10 * at_first);
  spin.slept(std::chrono::microseconds{60});
  CHECK(count_looks(spin) == after_short);
  spin.slept(std::chrono::seconds{1});
  CHECK(count_looks(spin) == at_first);
}

TEST_CASE("what comes while it is looked for is seen at once") {
  loop::adaptive_spin spin;
  int looks = 0;
  CHECK(spin.until([&] { return ++looks == 3; }));
  CHECK(looks == 3);
}
