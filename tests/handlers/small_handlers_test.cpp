#include <string>

#include "handlers/activity.hpp"
#include "handlers/block.hpp"
#include "handlers/body_duration.hpp"
#include "handlers/fail.hpp"
#include "handlers/hash.hpp"
#include "handlers/noop.hpp"
#include "handlers/program.hpp"
#include "handlers/spin.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::handlers;

TEST_CASE("noop returns the body unchanged", "[noop]") {
  handler_fixture fixture;
  noop handler{{}, fixture.context};
  const answer got = handler.handle(job_with("anything"));
  REQUIRE(got.has_value());
  CHECK_FALSE(got->has_value());
}

TEST_CASE("fail fails every nth job with a message", "[fail]") {
  handler_fixture fixture;
  fail handler{{.every = 3}, fixture.context};
  std::string pattern;
  for (int i = 0; i < 9; ++i) pattern += handler.handle(job_with("x")) ? '.' : 'F';
  CHECK(pattern == "..F..F..F");
  fail always{{.every = 1}, fixture.context};
  CHECK(always.handle(job_with("x")).error().text == "failed on purpose: attempt 1 of this handler, one in 1 fails");
}

TEST_CASE("fail can fail the first attempts of each job only", "[fail]") {
  handler_fixture fixture;
  fail handler{{.times = 2}, fixture.context};
  job work = job_with("x");
  std::string pattern;
  for (std::uint32_t attempt = 1; attempt <= 4; ++attempt) {
    work.attempt = attempt;
    pattern += handler.handle(work) ? '.' : 'F';
  }
  CHECK(pattern == "FF..");
  work.attempt = 1;
  CHECK(handler.handle(work).error().text == "failed on purpose: attempt 1 of the job, the first 2 fail");
}

TEST_CASE("fail can fail for good, or want the job again later", "[fail]") {
  handler_fixture fixture;
  const job work = job_with("x");
  CHECK(fail{{.every = 1}, fixture.context}.handle(work).error().code == errc::invalid);
  CHECK(fail{{.every = 1, .for_good = true}, fixture.context}.handle(work).error().code == errc::rejected);
  fail postponing{{.times = 1, .later = seconds{5}}, fixture.context};
  CHECK(postponing.handle(work).later_after() == seconds{5});
  job again = work;
  again.attempt = 2;
  CHECK(postponing.handle(again).has_value());
  CHECK(postponing.handle(again).later_after() == std::nullopt);
}

TEST_CASE("a body that can never be handled is rejected", "[length][spin]") {
  handler_fixture fixture;
  CHECK(parse_body_as_duration("soon").error().code == errc::rejected);
  spin handler{{}, fixture.context};
  CHECK(compute(handler, "soon").error().code == errc::rejected);
}

TEST_CASE("an answer is made from a text, nothing, a result or an error", "[answer]") {
  CHECK(answer {
    std::string { "text" }
  } -> value() == "text");
  CHECK_FALSE(answer { std::nullopt } -> has_value());
  const result<std::string> text = std::string{"text"};
  CHECK(answer { text } -> value() == "text");
  CHECK(answer{result<std::string>{rejected("no")}}.error() == rejected("no"));
  CHECK(answer{invalid("no")}.error() == invalid("no"));
  CHECK(answer::later(seconds{1}).has_error());
}

TEST_CASE("hash gives the digests of FIPS 180", "[hash]") {
  handler_fixture fixture;
  hash handler{{}, fixture.context};
  CHECK(text_of(compute(handler, "")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(text_of(compute(handler, "abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(text_of(compute(handler, std::string(1'000'000, 'a'))) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("hash reads a limited number of bytes in each step", "[hash]") {
  handler_fixture fixture;
  hash handler{{}, fixture.context};
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

TEST_CASE("a duration has a unit, or is a number of seconds", "[length]") {
  CHECK(parse_body_as_duration("250ms").value() == milliseconds{250});
  CHECK(parse_body_as_duration(" 2\r\n").value() == seconds{2});
  CHECK(parse_body_as_duration("0.25").value() == milliseconds{250});
  CHECK(parse_body_as_duration("0").value() == seconds{0});
  CHECK(parse_body_as_duration("1.5m").value() == seconds{90});
  for (const std::string text : {"", "abc", "-1", "1 s", "s", "1x", "999999999999999999999", "."}) {
    CAPTURE(text);
    REQUIRE_FALSE(parse_body_as_duration(text).has_value());
    CHECK(parse_body_as_duration(text).error().text ==
          "\"" + text + "\" is not a duration (250ms, 1.5s, or a number of seconds)");
  }
  CHECK(parse_body_as_duration(std::string(100'000, '1')).error().text.size() < 150);
}

TEST_CASE("a body that is too long for a duration is refused without being parsed", "[length]") {
  const auto padded = [](std::size_t bytes) { return std::string(bytes - 1, ' ') + "1"; };
  CHECK(parse_body_as_duration(padded(duration_body_bytes_max)).value() == seconds{1});
  const auto refused = parse_body_as_duration(padded(duration_body_bytes_max + 1));
  REQUIRE(refused.has_error());
  CHECK(refused.error().text.size() < 200);
}

TEST_CASE("spin uses the requested CPU time in short steps, and returns the body", "[spin]") {
  handler_fixture fixture;
  spin handler{{}, fixture.context};
  std::size_t steps = 0;
  CHECK(text_of(compute(handler, "10ms", &steps)) == "10ms");
  CHECK(steps > 1);
  CHECK(steps <= 10);
  CHECK(text_of(compute(handler, "0", &steps)) == "0");
  CHECK(steps == 1);
  spin fixed{{milliseconds{2}}, fixture.context};
  CHECK(text_of(compute(fixed, "whatever", &steps)) == "whatever");
  CHECK(steps <= 2);
}

TEST_CASE("spin fails a body that is not a duration", "[spin]") {
  handler_fixture fixture;
  spin handler{{}, fixture.context};
  CHECK(text_of(compute(handler, "soon")) == "\"soon\" is not a duration (250ms, 1.5s, or a number of seconds)");
}

TEST_CASE("activity tells what consumers have done, and leaves out those that have done none", "[activity]") {
  handler_fixture fixture;
  fixture.context.totals = [] {
    return std::vector<consumer_totals>{{"mail", 7, 1}, {"idle", 0, 0}, {"failing", 0, 2}};
  };
  activity handler{{}, fixture.context};
  const answer got = handler.handle(job_with("?"));
  REQUIRE(got.has_value());
  CHECK(**got == R"({"running":[],"running_count":0,"done":{"mail":7},"failed":{"mail":1,"failing":2}})");
}

TEST_CASE("block rejects what is no duration, or longer than a minute", "[block]") {
  handler_fixture fixture;
  block handler{{}, fixture.context};
  CHECK(text_of(compute(handler, "0")) == "0");
  CHECK(handler.begin(job_with("soon")).error().code == errc::rejected);
  CHECK(text_of(compute(handler, "61")) == "longer than 1m");
  block constant{{.length = duration::zero()}, fixture.context};
  CHECK(text_of(compute(constant, "61")) == "61");
}
