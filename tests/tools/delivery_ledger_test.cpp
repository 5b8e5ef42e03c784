#include "tools/delivery_ledger.hpp"

#include "support/catch.hpp"
#include "tools/job_mark.hpp"

using namespace millrace;
using tools::delivery_ledger;
using tools::job_mark;

TEST_CASE("a ledger verifies when each job that was put was delivered") {
  delivery_ledger ledger;
  CHECK(ledger.put(3) == 0);
  CHECK(ledger.put(200) == 3);
  CHECK_FALSE(ledger.verify());
  for (std::uint64_t at = 203; at-- > 0;) CHECK(ledger.note_delivered(at));
  CHECK(ledger.verify());
  CHECK(ledger.jobs_put() == 203);
  CHECK(ledger.jobs_out() == 203);
}

TEST_CASE("a job that never comes out is lost, and the first of them is named") {
  delivery_ledger ledger;
  ledger.put(100);
  for (std::uint64_t at = 0; at < 100; ++at)
    if (at != 70 && at != 93) CHECK(ledger.note_delivered(at));
  const auto verified = ledger.verify();
  REQUIRE_FALSE(verified);
  CHECK(verified.error().text == "2 of 100 jobs were lost, job 70 the first of them");
}

TEST_CASE("a job that comes out twice is an error at once") {
  delivery_ledger ledger;
  ledger.put(10);
  REQUIRE(ledger.note_delivered(7));
  const auto again = ledger.note_delivered(7);
  REQUIRE_FALSE(again);
  CHECK(again.error().text == "job 7 was delivered twice");
  CHECK(ledger.jobs_out() == 1);
}

TEST_CASE("a job that nobody put cannot come out") {
  delivery_ledger ledger;
  ledger.put(64);
  CHECK(ledger.note_delivered(63));
  CHECK_FALSE(ledger.note_delivered(64));
  CHECK_FALSE(ledger.note_delivered(1'000'000));
}

TEST_CASE("a mark is read back from the front of a body") {
  std::string text(40, '.');
  job_mark{0xdeadbeef, 0x8000'0001}.write(text.data());
  CHECK(text.substr(0, 18) == "deadbeef80000001..");
  const auto mark = job_mark::read(text);
  REQUIRE(mark);
  CHECK(mark->run == 0xdeadbeef);
  CHECK(mark->number == 0x8000'0001);
}

TEST_CASE("a body that does not begin with a mark has none") {
  for (const char* const other :
       {"", "deadbeef0000000", "DEADBEEF00000001", "hello, this is somebody else's", "deadbeef 0000001"})
    CHECK_FALSE(job_mark::read(other));
}
