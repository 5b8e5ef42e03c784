// The outcomes of the five answers of a handler, with retries, dead letters and cancelled jobs.
#include "support/catch.hpp"
#include "support/taken_log.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using engine::outcome;
using testing::workload_fixture;

namespace {

constexpr engine::retry_options three_attempts{
    .attempts = 3, .backoff = engine::backoff::constant, .first = seconds{10}, .jitter = 0};

/// Fails the first `failures` attempts, then succeeds.
testing::function failing(unsigned failures) {
  return [failures](const handlers::job& work) -> handlers::answer {
    if (work.attempt <= failures) return invalid("attempt " + std::to_string(work.attempt) + " failed");
    return std::nullopt;
  };
}

const workload::consumer_counts& counts(const workload_fixture& fixture) { return *fixture.jobs.consumers()[0]; }

}  // namespace

TEST_CASE("a failed job is tried again after its wait, and is counted as done only") {
  workload_fixture fixture;
  fixture.put(fixture.queue("work", {.retry = three_attempts}), "a");
  fixture.consumer("c", {.queue = {"work"}}, testing::quick_kind(failing(2)));
  fixture.watch_idle();
  fixture.start();

  CHECK(fixture.levels("work").delayed == 1);
  CHECK(counts(fixture).retried.value() == 1);
  fixture.loop.advance(seconds{10});
  CHECK(counts(fixture).retried.value() == 2);
  CHECK_FALSE(fixture.idle);
  fixture.loop.advance(seconds{10});
  CHECK(fixture.idle);
  CHECK(fixture.outcomes(0, outcome::ok) == 1);
  CHECK(fixture.outcomes(0, outcome::failed) == 0);
}

TEST_CASE("a job that fails in every attempt is buried with its last error") {
  workload_fixture fixture;
  fixture.put(fixture.queue("work", {.retry = three_attempts}), "a");
  fixture.consumer("c", {.queue = {"work"}}, testing::quick_kind(failing(9)));
  fixture.watch_idle();
  fixture.start();
  fixture.loop.advance(seconds{20});

  CHECK(fixture.idle);
  CHECK(counts(fixture).retried.value() == 2);
  CHECK(fixture.outcomes(0, outcome::failed) == 1);
  CHECK(fixture.levels("work").buried == 1);
  CHECK(fixture.broker.engine().look(job_id{1})->error_text == "attempt 3 failed");
}

TEST_CASE("the retry of a consumer replaces that of its queue") {
  workload_fixture fixture;
  fixture.put(fixture.queue("patient", {.retry = three_attempts}), "a");
  fixture.put(fixture.queue("hasty"), "b");
  fixture.consumer("once", {.queue = {"patient"}, .retry = engine::retry_options{}}, testing::quick_kind(failing(9)));
  fixture.consumer("again", {.queue = {"hasty"}, .retry = three_attempts}, testing::quick_kind(failing(9)));
  fixture.start();

  CHECK(fixture.levels("patient").buried == 1);
  CHECK(fixture.levels("hasty").delayed == 1);
}

TEST_CASE("an attempt that timed out is tried again") {
  workload_fixture fixture;
  fixture.put(fixture.queue("work", {.retry = three_attempts}), "a");
  fixture.consumer("slow", {.queue = {"work"}, .timeout = seconds{1}},
                   testing::waiting_kind(seconds{5}, fixture.note()));
  fixture.start();
  fixture.loop.advance(seconds{1});
  CHECK(fixture.levels("work").delayed == 1);
  CHECK(counts(fixture).retried.value() == 1);
  for (int left = 0; left < 2; ++left) {
    fixture.loop.advance(seconds{10});
    fixture.loop.advance(seconds{1});
  }
  CHECK(fixture.levels("work").buried == 1);
  CHECK(fixture.outcomes(0, outcome::timeout) == 1);
}

TEST_CASE("a rejected job is not tried again, whichever kind of handler rejects it") {
  const testing::function reject = [](const handlers::job&) -> handlers::answer { return rejected("useless"); };
  workload_fixture fixture;
  for (const auto* const name : {"quick", "waiting"}) fixture.put(fixture.queue(name, {.retry = three_attempts}), "a");
  fixture.consumer("q", {.queue = {"quick"}}, testing::quick_kind(reject));
  fixture.consumer("w", {.queue = {"waiting"}}, testing::waiting_kind(seconds{1}, reject));
  fixture.start();
  fixture.loop.advance(seconds{1});

  for (const auto* const name : {"quick", "waiting"}) {
    CAPTURE(name);
    CHECK(fixture.levels(name).buried == 1);
  }
  CHECK(fixture.outcomes(0, outcome::failed) == 1);
  CHECK(counts(fixture).retried.value() == 0);
}

TEST_CASE("a handler may want its job again later, which is no failure") {
  workload_fixture fixture;
  fixture.put(fixture.queue("work"), "a");
  fixture.consumer("c", {.queue = {"work"}}, testing::quick_kind([](const handlers::job& work) -> handlers::answer {
                     if (work.attempt <= 2) return handlers::answer::later(seconds{5});
                     return std::nullopt;
                   }));
  fixture.watch_idle();
  fixture.start();
  CHECK(fixture.levels("work").delayed == 1);
  fixture.loop.advance(seconds{5});
  CHECK_FALSE(fixture.idle);
  fixture.loop.advance(seconds{5});

  CHECK(fixture.idle);
  CHECK(counts(fixture).postponed.value() == 2);
  CHECK(fixture.outcomes(0, outcome::ok) == 1);
  CHECK(fixture.outcomes(0, outcome::failed) == 0);
}

TEST_CASE("a job whose handler was interrupted three times is undeliverable, with the text of the handler") {
  workload_fixture fixture;
  fixture.put(fixture.queue("work"), "a");
  fixture.consumer("c", {.queue = {"work"}},
                   testing::waiting_kind(seconds{1}, [](const handlers::job& work) -> handlers::answer {
                     return handlers::answer::interrupted("end " + std::to_string(work.attempt));
                   }));
  fixture.watch_idle();
  fixture.start();
  fixture.loop.advance(seconds{1});
  CHECK(counts(fixture).interrupted.value() == 1);
  CHECK(fixture.broker.engine().look(job_id{1})->failures == 0);
  fixture.loop.advance(seconds{1});
  fixture.loop.advance(seconds{1});

  CHECK(fixture.idle);
  CHECK(counts(fixture).interrupted.value() == 2);
  CHECK(fixture.outcomes(0, outcome::failed) == 1);
  CHECK(fixture.levels("work").buried == 1);
  const auto buried = fixture.broker.engine().look(job_id{1}).value();
  CHECK(buried.interruptions == 3);
  CHECK(buried.failures == 0);
  CHECK(buried.error_text == "end 3");
  CHECK(buried.details.cause == engine::reason::undeliverable);
}

TEST_CASE("a wait that is negative or endless is brought into its range") {
  for (const auto wait : {duration{-5}, duration::max()}) {
    workload_fixture fixture;
    fixture.put(fixture.queue("work"), "a");
    fixture.consumer("c", {.queue = {"work"}},
                     testing::quick_kind([wait](const handlers::job& work) -> handlers::answer {
                       if (work.attempt == 1) return handlers::answer::later(wait);
                       return std::nullopt;
                     }));
    fixture.start();
    fixture.loop.advance(nanoseconds{1});
    CHECK(fixture.levels("work").delayed == (wait > duration::zero() ? 1 : 0));
    fixture.loop.advance(engine::later_after_max);
    CHECK(fixture.outcomes(0, outcome::ok) == 1);
  }
}

TEST_CASE("a job that wants to come again later without an end fails at last") {
  workload_fixture fixture;
  fixture.put(fixture.queue("work"), "a");
  fixture.consumer("c", {.queue = {"work"}}, testing::quick_kind([](const handlers::job&) -> handlers::answer {
                     return handlers::answer::later(seconds{1});
                   }));
  fixture.start();
  fixture.loop.advance(seconds{2 * engine::laters_max});

  CHECK(counts(fixture).postponed.value() == engine::laters_max);
  CHECK(fixture.outcomes(0, outcome::failed) == 1);
  CHECK(fixture.levels("work").buried == 1);
}

TEST_CASE("a handler that computes may turn what it computed into any answer") {
  class computing final : public handlers::computing_handler {
   public:
    result<std::unique_ptr<offload::computation>> begin(const handlers::job&) override {
      return std::unique_ptr<offload::computation>{std::make_unique<testing::counting_steps>(1)};
    }
    handlers::answer conclude(const handlers::job& work, result<std::string>&& computed) override {
      if (work.content.view() == "later" && work.attempt == 1) return handlers::answer::later(seconds{5});
      if (work.content.view() == "bad") return rejected("bad");
      return handlers::answer{std::move(computed)};
    }
  };
  workload_fixture fixture;
  const auto work = fixture.queue("work", {.retry = three_attempts});
  for (const auto* const content : {"good", "bad", "later"}) fixture.put(work, content);
  handlers::kind kind{
      "computing", "", &testing::no_option_table(), true,
      [](const void*, const handlers::handler_context&) -> result<handlers::handler> {
        return handlers::handler{std::unique_ptr<handlers::computing_handler>{std::make_unique<computing>()}};
      }};
  fixture.consumer("c", {.queue = {"work"}}, std::move(kind));
  fixture.watch_idle();
  fixture.start();
  fixture.loop.advance(seconds{5});
  fixture.loop.run_ready();

  CHECK(fixture.idle);
  CHECK(fixture.outcomes(0, outcome::ok) == 2);
  CHECK(fixture.outcomes(0, outcome::failed) == 1);
  CHECK(counts(fixture).postponed.value() == 1);
  CHECK(counts(fixture).retried.value() == 0);
}

TEST_CASE("a failed job goes to the dead letter queue of its consumer, else to that of its queue") {
  workload_fixture fixture;
  fixture.queue("of consumers");
  fixture.queue("of queues");
  fixture.put(fixture.queue("a", {.dead_letter = "of queues"}), "a");
  fixture.put(fixture.queue("b", {.dead_letter = "of queues"}), "b");
  fixture.consumer("own", {.queue = {"a"}, .dead_letter = "of consumers"}, testing::quick_kind(failing(9)));
  fixture.consumer("plain", {.queue = {"b"}}, testing::quick_kind(failing(9)));
  fixture.start();

  CHECK(fixture.levels("of consumers").ready == 1);
  CHECK(fixture.levels("of queues").ready == 1);
}

TEST_CASE("a producer's time of expiry goes to each of its jobs") {
  workload_fixture fixture;
  fixture.queue("work");
  fixture.producer("p", {.queue = "work", .expire_after = seconds{5}}, testing::numbers_to(2));
  fixture.start();
  CHECK(fixture.levels("work").ready == 2);
  fixture.loop.advance(seconds{5});
  CHECK(fixture.levels("work").ready == 0);
}

TEST_CASE("the log of a failed attempt says whether and when the job is tried again") {
  testing::taken_log log{{"sentence", "queue", "outcome", "reason", "then", "retry_in"}};
  {
    workload_fixture fixture;
    fixture.queue("letters");
    fixture.put(fixture.queue("work", {.retry = three_attempts}), "a");
    fixture.put(fixture.queue("wrong", {.dead_letter = "letters"}), "b");
    fixture.put(fixture.queue("slow"), "c");
    fixture.consumer("c", {.queue = {"work"}}, testing::quick_kind(failing(2)));
    fixture.consumer("d", {.queue = {"wrong"}},
                     testing::quick_kind([](const handlers::job&) -> handlers::answer { return rejected("useless"); }));
    fixture.consumer("e", {.queue = {"slow"}, .timeout = seconds{1}},
                     testing::waiting_kind(seconds{5}, fixture.note()));
    fixture.start();
    fixture.loop.advance(seconds{1});
  }
  CHECK(log.finish() == std::vector<std::string>{
                            "job_failed: attempt 1 failed work failed failed retried 10s",
                            "job_failed: useless wrong failed rejected dead_lettered never",
                            "job_failed: no answer within 1s slow timeout timeout buried never",
                        });
}
