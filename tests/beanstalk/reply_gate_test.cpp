#include "beanstalk/reply_gate.hpp"

#include "beanstalk/watermarks.hpp"
#include "support/catch.hpp"

using namespace millrace;
using beanstalk::reply_gate;

namespace {

broker::receipt batch(store::batch_id number) { return {.batch = number, .written_with = number}; }

auto up_to(store::batch_id durable) {
  return [durable](const broker::receipt& receipt) { return receipt.batch <= durable; };
}

}  // namespace

TEST_CASE("without a receipt that waits everything may leave") {
  reply_gate gate;
  CHECK(gate.open_up_to(up_to(0)) == reply_gate::everything);
  CHECK_FALSE(gate.holds());
}

TEST_CASE("replies may leave up to the first whose receipt is not durable") {
  reply_gate gate;
  gate.hold(10, batch(1));
  gate.hold(20, batch(2));
  CHECK(gate.open_up_to(up_to(0)) == 10);
  CHECK(gate.open_up_to(up_to(1)) == 20);
  CHECK(gate.holds());
  CHECK(gate.open_up_to(up_to(2)) == reply_gate::everything);
  CHECK_FALSE(gate.holds());
}

TEST_CASE("a reply whose receipt is durable does not overtake one whose receipt is not") {
  reply_gate gate;
  const store::batch_id first = GENERATE(4, 5);
  gate.hold(10, batch(first));
  gate.hold(20, batch(3));
  CHECK(gate.open_up_to(up_to(3)) == 10);
  CHECK(gate.open_up_to(up_to(first)) == reply_gate::everything);
}

TEST_CASE("watermarks pause at the high level and continue at the low one") {
  constexpr beanstalk::watermarks levels{.high = 10, .low = 5};
  CHECK_FALSE(levels.must_pause(9));
  CHECK(levels.must_pause(10));
  CHECK_FALSE(levels.may_continue(6));
  CHECK(levels.may_continue(5));
}
