#include <string>

#include "handlers/fail.hpp"
#include "handlers/hash.hpp"
#include "handlers/length.hpp"
#include "handlers/noop.hpp"
#include "handlers/program.hpp"
#include "handlers/spin.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::handlers;

TEST_CASE("noop lets the body go on", "[noop]") {
  program around;
  noop handler{{}, around.where};
  const answer got = handler.handle(job_with("anything"));
  REQUIRE(got.has_value());
  CHECK_FALSE(got->has_value());
}

TEST_CASE("fail fails every nth job and says which", "[fail]") {
  program around;
  fail handler{{3}, around.where};
  std::string pattern;
  for (int i = 0; i < 9; ++i) pattern += handler.handle(job_with("x")) ? '.' : 'F';
  CHECK(pattern == "..F..F..F");
  fail always{{1}, around.where};
  CHECK(always.handle(job_with("x")).error().text == "failed on purpose: job 1 that this handler saw, one in 1 fails");
}

TEST_CASE("hash gives the digests of FIPS 180", "[hash]") {
  program around;
  hash handler{{}, around.where};
  CHECK(text_of(compute(handler, "")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(text_of(compute(handler, "abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(text_of(compute(handler, std::string(1'000'000, 'a'))) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("hash takes a bounded number of bytes in a step", "[hash]") {
  program around;
  hash handler{{}, around.where};
  const auto steps_for = [&](std::size_t bytes) {
    std::size_t steps = 0;
    REQUIRE(compute(handler, std::string(bytes, 'a'), &steps).has_value());
    return steps;
  };
  CHECK(steps_for(0) == 1);
  CHECK(steps_for(hash::step_bytes) == 1);
  CHECK(steps_for(hash::step_bytes + 1) == 2);
  CHECK(steps_for(4 * hash::step_bytes) == 4);
}

TEST_CASE("a body says a length as people write it, or a bare number of seconds", "[length]") {
  CHECK(length_in("250ms").value() == milliseconds{250});
  CHECK(length_in(" 2\r\n").value() == seconds{2});
  CHECK(length_in("0.25").value() == milliseconds{250});
  CHECK(length_in("0").value() == seconds{0});
  CHECK(length_in("1.5m").value() == seconds{90});
  for (const std::string text : {"", "abc", "-1", "1 s", "s", "1x", "999999999999999999999", "."}) {
    CAPTURE(text);
    REQUIRE_FALSE(length_in(text).has_value());
    CHECK(length_in(text).error().text ==
          "\"" + text + "\" is not a length of time (250ms, 1.5s, or a number of seconds)");
  }
  CHECK(length_in(std::string(100'000, '1')).error().text.size() < 150);
}

TEST_CASE("a body longer than a length of time can be is refused unread", "[length]") {
  const auto padded = [](std::size_t bytes) { return std::string(bytes - 1, ' ') + "1"; };
  CHECK(length_in(padded(length_bytes_max)).value() == seconds{1});
  const auto refused = length_in(padded(length_bytes_max + 1));
  REQUIRE(refused.has_error());
  CHECK(refused.error().text.size() < 200);
}

TEST_CASE("spin burns the CPU time asked for in short steps, and the body goes on", "[spin]") {
  program around;
  spin handler{{}, around.where};
  std::size_t steps = 0;
  CHECK(text_of(compute(handler, "10ms", &steps)) == "10ms");
  CHECK(steps > 1);
  CHECK(steps <= 10);
  CHECK(text_of(compute(handler, "0", &steps)) == "0");
  CHECK(steps == 1);
  spin fixed{{milliseconds{2}}, around.where};
  CHECK(text_of(compute(fixed, "whatever", &steps)) == "whatever");
  CHECK(steps <= 2);
}

TEST_CASE("spin fails a body that is no length of time", "[spin]") {
  program around;
  spin handler{{}, around.where};
  CHECK(text_of(compute(handler, "soon")) == "\"soon\" is not a length of time (250ms, 1.5s, or a number of seconds)");
}
