#include "engine/retry.hpp"

#include <set>

#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

namespace {

/// A queue `q` with these retries, and a client.
struct retry_fixture : engine_fixture {
  explicit retry_fixture(const retry_options& retries) {
    engine.declare("q", {.retry = retries}).value();
    client = session();
  }
  finish_status end(finish_request request) { return finish(client, take_id(client), std::move(request)); }
  finish_status fail() { return end({.result = outcome::failed, .error_text = "no"}); }
  finish_status later(duration wait) { return end({.result = outcome::later, .later_after = wait}); }
  job_facts facts() { return engine.look(job_id{1}).value(); }

  session_id client;
};

duration wait_of(const retry_options& options, std::uint32_t failures) {
  return wait_before_retry(options, job_id{1}, failures).value();
}

std::uint64_t buried_for(const engine_fixture& fixture, reason cause) {
  return fixture.engine.counts(fixture.engine.find("q").value()).buried[static_cast<std::size_t>(cause)].value();
}

}  // namespace

TEST_CASE("the wait before a retry grows as its backoff says, up to the longest wait") {
  const retry_options constant{.attempts = 9, .backoff = backoff::constant, .first = 2s, .jitter = 0};
  CHECK(wait_of(constant, 1) == 2s);
  CHECK(wait_of(constant, 8) == 2s);
  const retry_options linear{.attempts = 9, .backoff = backoff::linear, .first = 2s, .max = 9s, .jitter = 0};
  CHECK(wait_of(linear, 1) == 2s);
  CHECK(wait_of(linear, 3) == 6s);
  CHECK(wait_of(linear, 5) == 9s);
  const retry_options exponential{.attempts = 3'000'000'000, .first = 2s, .max = 60s, .jitter = 0};
  CHECK(wait_of(exponential, 1) == 2s);
  CHECK(wait_of(exponential, 2) == 4s);
  CHECK(wait_of(exponential, 5) == 32s);
  CHECK(wait_of(exponential, 6) == 60s);
  CHECK(wait_of(exponential, 2'999'999'999) == 60s);
}

TEST_CASE("the longest waits that options allow do not overflow") {
  constexpr duration longest = hours{24 * 3'650};
  const retry_options options{.attempts = 2'000, .first = longest, .max = longest, .jitter = 1};
  for (std::uint32_t failures = 1; failures < 2'000; ++failures) {
    const auto wait = wait_of(options, failures);
    CHECK(wait >= duration{0});
    CHECK(wait <= 2 * longest);
  }
}

TEST_CASE("after as many failures as attempts there is no wait") {
  CHECK_FALSE(wait_before_retry({.attempts = 1}, job_id{1}, 1).has_value());
  CHECK(wait_before_retry({.attempts = 2}, job_id{1}, 1).has_value());
  CHECK_FALSE(wait_before_retry({.attempts = 2}, job_id{1}, 2).has_value());
}

TEST_CASE("the jitter of a job is always the same, differs between jobs, and keeps to its bounds") {
  const retry_options options{.attempts = 2, .first = 1000s, .jitter = 0.2};
  std::set<duration> waits;
  duration sum{0};
  for (std::uint64_t id = 1; id <= 1'000; ++id) {
    const auto wait = wait_before_retry(options, job_id{id}, 1).value();
    CHECK(wait == wait_before_retry(options, job_id{id}, 1).value());
    CHECK(wait >= 800s);
    CHECK(wait <= 1200s);
    waits.insert(wait);
    sum += wait;
  }
  CHECK(waits.size() == 1'000);
  CHECK(sum / 1'000 > 985s);
  CHECK(sum / 1'000 < 1015s);
}

TEST_CASE("a failed job waits as delayed, with its id, priority, counts and error, until its last attempt fails") {
  retry_fixture fixture{{.attempts = 3, .first = 10s, .jitter = 0}};
  fixture.put(fixture.client, "in", {.priority = 7});
  const auto put_at = fixture.now;
  CHECK(fixture.fail() == finish_status::retried);
  CHECK(fixture.facts().state == job_state::delayed);
  CHECK(fixture.facts().due == fixture.now + 10s);
  CHECK(fixture.facts().priority == 7);
  CHECK(fixture.facts().put_at == put_at);
  CHECK(fixture.facts().failures == 1);
  CHECK(fixture.facts().reserves == 1);
  CHECK(fixture.facts().error_text == "no");
  CHECK(fixture.facts().details.first_failure == put_at);
  CHECK(fixture.take(fixture.client) == "-");
  fixture.pass(10s);
  CHECK(fixture.fail() == finish_status::retried);
  CHECK(fixture.facts().due == fixture.now + 20s);
  fixture.pass(20s);
  CHECK(fixture.fail() == finish_status::buried);
  CHECK(fixture.facts().failures == 3);
  CHECK(fixture.facts().details.first_failure == put_at);
  CHECK(fixture.facts().details.last_failure == put_at + 30s);
  const auto& counts = fixture.engine.counts(fixture.queue());
  CHECK(counts.retried.value() == 2);
  CHECK(counts.finished[static_cast<std::size_t>(outcome::failed)].value() == 1);
}

TEST_CASE("only the last attempt of a job ends the time since its put") {
  retry_fixture fixture{{.attempts = 2, .first = 10s, .jitter = 0}};
  fixture.put(fixture.client);
  fixture.fail();
  const auto& times = fixture.engine.timings(fixture.queue());
  CHECK(times.service.count() == 1);
  CHECK(times.end_to_end.count() == 0);
  fixture.pass(10s);
  fixture.fail();
  CHECK(times.service.count() == 2);
  CHECK(times.end_to_end.sum() == 10s);
}

TEST_CASE("a timeout is retried as a failure is; a cancelled attempt is not") {
  retry_fixture fixture{{.attempts = 5}};
  fixture.put(fixture.client);
  CHECK(fixture.end({.result = outcome::timeout}) == finish_status::retried);
  fixture.pass(1h);
  CHECK(fixture.end({.result = outcome::cancelled}) == finish_status::buried);
  CHECK(fixture.facts().failures == 1);
}

TEST_CASE("the retries of a consumer come before those of the queue") {
  retry_fixture fixture{{.attempts = 1}};
  fixture.put(fixture.client);
  CHECK(fixture.end({.result = outcome::failed, .retry = retry_options{.attempts = 2}}) == finish_status::retried);
}

TEST_CASE("no attempt is due later than `within` after the put") {
  retry_fixture fixture{{.attempts = 9, .backoff = backoff::constant, .first = 10s, .jitter = 0, .within = 20s}};
  fixture.put(fixture.client);
  CHECK(fixture.fail() == finish_status::retried);
  fixture.pass(10s);
  CHECK(fixture.fail() == finish_status::retried);
  fixture.pass(10s);
  CHECK(fixture.fail() == finish_status::buried);
  CHECK(buried_for(fixture, reason::failed) == 1);
}

TEST_CASE("a job that failed for good is not tried again, and its reason is `rejected`") {
  retry_fixture fixture{{.attempts = 5}};
  fixture.put(fixture.client);
  CHECK(fixture.end({.result = outcome::failed, .is_final = true}) == finish_status::buried);
  CHECK(fixture.facts().failures == 1);
  CHECK(fixture.facts().details.cause == reason::rejected);
  CHECK(buried_for(fixture, reason::rejected) == 1);
}

TEST_CASE("a job that exceeded a limit is tried again, and its reason is `limit` in the end") {
  retry_fixture fixture{{.attempts = 2, .first = 10s, .jitter = 0}};
  fixture.put(fixture.client);
  CHECK(fixture.end({.result = outcome::failed, .over_limit = true}) == finish_status::retried);
  fixture.pass(10s);
  CHECK(fixture.end({.result = outcome::failed, .over_limit = true}) == finish_status::buried);
  CHECK(fixture.facts().details.cause == reason::limit);
  CHECK(buried_for(fixture, reason::limit) == 1);
  CHECK(name_of(reason::limit) == "limit");
}

TEST_CASE("a job whose output is refused is tried again") {
  retry_fixture fixture{{.attempts = 2, .first = 10s, .jitter = 0}};
  const auto full = fixture.declare("full", 1, overflow::reject);
  fixture.put(fixture.session({"full"}));
  fixture.put(fixture.client);
  const auto job = fixture.take_id(fixture.client);
  const auto attempt = [&] {
    return fixture.finish(fixture.client, job, {.outputs = {{full, {.content = body{"out"}}}}});
  };
  CHECK(attempt() == finish_status::retried);
  CHECK(fixture.engine.look(job)->error_text == "an output queue is full");
  fixture.pass(10s);
  CHECK(fixture.take_id(fixture.client) == job);
  CHECK(attempt() == finish_status::buried);
  CHECK(buried_for(fixture, reason::output_full) == 1);
}

TEST_CASE("a job that its handler wants later waits as delayed, and has not failed") {
  retry_fixture fixture{{}};
  fixture.put(fixture.client);
  CHECK(fixture.later(30s) == finish_status::postponed);
  CHECK(fixture.facts().state == job_state::delayed);
  CHECK(fixture.facts().due == fixture.now + 30s);
  CHECK(fixture.facts().failures == 0);
  CHECK(fixture.facts().laters == 1);
  CHECK(fixture.engine.counts(fixture.queue()).postponed.value() == 1);
}

TEST_CASE("a job is postponed so often and no more: then it has failed, and is tried again as after a failure") {
  retry_fixture fixture{{.attempts = 2, .first = 1s, .jitter = 0}};
  fixture.put(fixture.client);
  for (std::uint32_t n = 0; n < laters_max; ++n) {
    REQUIRE(fixture.later(1s) == finish_status::postponed);
    fixture.pass(1s);
  }
  CHECK(fixture.later(1s) == finish_status::retried);
  CHECK(fixture.facts().error_text == "its handler has postponed it too often");
  CHECK(fixture.facts().failures == 1);
  fixture.pass(1s);
  CHECK(fixture.later(1s) == finish_status::buried);
}

TEST_CASE("a job is not postponed beyond `within`") {
  retry_fixture fixture{{.within = 20s}};
  fixture.put(fixture.client);
  CHECK(fixture.later(20s) == finish_status::postponed);
  fixture.pass(20s);
  CHECK(fixture.later(1ms) == finish_status::buried);
  CHECK(fixture.facts().failures == 1);
  CHECK(fixture.facts().error_text == "its handler wants to postpone it beyond `within` of its retries");
}

TEST_CASE("a retry is stored as a delayed job with its counts, error and times of failure") {
  retry_fixture fixture{{.attempts = 2, .first = 10s, .jitter = 0}};
  fixture.engine.collect_changes(true);
  fixture.put(fixture.client);
  const auto job = fixture.take_id(fixture.client);
  change_set changes;
  fixture.engine.take_changes(changes);
  fixture.finish(fixture.client, job, {.result = outcome::failed, .error_text = "no"});
  fixture.engine.take_changes(changes);
  REQUIRE(changes.size() == 1);
  const auto& moved = std::get<job_moved>(changes[0]);
  CHECK(moved.state == job_state::delayed);
  CHECK(moved.due == fixture.now + 10s);
  CHECK(moved.tally.failures == 1);
  CHECK(moved.error_text == "no");
  REQUIRE(moved.details != nullptr);
  CHECK(moved.details->first_failure == fixture.now);
}
