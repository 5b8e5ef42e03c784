#include "loop/adaptive_spin.hpp"

#include "support/catch.hpp"

using namespace millrace;

namespace {

int looks_in_vain(loop::adaptive_spin& it) {
  int looks = 0;
  CHECK_FALSE(it.until([&] {
    ++looks;
    return false;
  }));
  return looks;
}

}  // namespace

TEST_CASE("a thread whose last sleep was short looks longer before the next, and no longer than that") {
  loop::adaptive_spin it;
  const int at_first = looks_in_vain(it);
  it.slept(std::chrono::microseconds{60});
  const int after_short = looks_in_vain(it);
  CHECK(after_short > 10 * at_first);
  it.slept(std::chrono::microseconds{60});
  CHECK(looks_in_vain(it) == after_short);
  it.slept(std::chrono::seconds{1});
  CHECK(looks_in_vain(it) == at_first);
}

TEST_CASE("what comes while it is looked for is seen at once") {
  loop::adaptive_spin it;
  int looks = 0;
  CHECK(it.until([&] { return ++looks == 3; }));
  CHECK(looks == 3);
}
