#include "sources/catalogue.hpp"
#include "support/catch.hpp"
#include "support/taken_log.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using testing::workload_fixture;

TEST_CASE("a producer puts what its source has, with its priority, delay and time to run, and ends with it") {
  workload_fixture at;
  at.queue("numbers");
  at.producer("three", {.queue = "numbers", .priority = 7, .delay = seconds{2}, .ttr = seconds{9}},
              testing::numbers_to(3));
  at.start();

  CHECK(at.levels("numbers").delayed == 3);
  const auto job = at.broker.engine().first_delayed(*at.broker.find("numbers"));
  CHECK(job->priority == 7);
  CHECK(job->ttr == seconds{9});
  CHECK(job->due == at.loop.now() + seconds{2});
  CHECK(at.jobs.producers()[0]->jobs.value() == 3);
  CHECK(at.jobs.producers()[0]->ended);
}

TEST_CASE("a rate spreads bodies over time") {
  workload_fixture at;
  at.producer("slow", {.queue = "numbers", .rate = 10}, testing::endless_source());
  at.start();
  CHECK(at.levels("numbers").ready == 1);
  at.loop.advance(milliseconds{950});
  CHECK(at.levels("numbers").ready == 10);
  at.loop.advance(milliseconds{50});
  CHECK(at.levels("numbers").ready == 11);
}

TEST_CASE("a producer ends at its limit, or when its time is over") {
  workload_fixture at;
  at.producer("five", {.queue = "numbers", .limit = 5}, testing::endless_source());
  at.producer("second", {.queue = "others", .rate = 10, .run_for = seconds{1}}, testing::endless_source());
  at.start();
  at.loop.advance(seconds{10});

  CHECK(at.levels("numbers").ready == 5);
  CHECK(at.levels("others").ready == 10);
  CHECK(at.jobs.producers()[0]->ended);
  CHECK(at.jobs.producers()[1]->ended);
}

TEST_CASE("the limit of the command line ends endless producers and leaves the others alone") {
  workload_fixture at{{.limit = 4}};
  at.producer("endless", {.queue = "a"}, testing::endless_source());
  at.producer("limited", {.queue = "b", .limit = 6}, testing::endless_source());
  at.producer("finite", {.queue = "c"}, testing::numbers_to(7));
  at.producer("timed", {.queue = "d", .rate = 1, .run_for = seconds{8}}, testing::endless_source());
  at.start();
  at.loop.advance(seconds{10});

  CHECK(at.levels("a").ready == 4);
  CHECK(at.levels("b").ready == 6);
  CHECK(at.levels("c").ready == 7);
  CHECK(at.levels("d").ready == 8);
}

TEST_CASE("a full queue suspends its producers, and the time is measured") {
  workload_fixture at;
  const auto queue = at.queue("numbers", {.max_jobs = 10});
  at.producer("eager", {.queue = "numbers"}, testing::numbers_to(12));
  at.start();
  CHECK(at.levels("numbers").ready == 10);
  CHECK(at.jobs.held_producers().active() == 1);
  at.loop.advance(seconds{4});
  CHECK(at.jobs.held_producers().total(at.loop.now()) == seconds{4});

  at.broker.watch(at.session, "numbers").value();
  for (int i = 0; i < 2; ++i) {
    const auto taken = at.broker.try_reserve(at.session, engine::lease::unlimited).answer;
    static_cast<void>(at.broker.try_finish(at.session, {.job = taken.job.job}));
    at.loop.run_ready();
  }

  CHECK(at.jobs.producers()[0]->jobs.value() == 12);
  CHECK(at.jobs.producers()[0]->ended);
  CHECK(at.jobs.held_producers().active() == 0);
  CHECK(at.broker.engine().counts(queue).puts.value() == 12);
}

TEST_CASE("a producer that was held catches up with its rate and says how late it was") {
  workload_fixture at;
  at.queue("numbers", {.max_jobs = 1});
  at.producer("paced", {.queue = "numbers", .rate = 10}, testing::endless_source());
  at.start();
  at.loop.advance(milliseconds{550});
  at.broker.watch(at.session, "numbers").value();
  at.broker.declare("numbers", {.max_jobs = 1'000}).value();
  at.loop.run_ready();

  CHECK(at.jobs.producers()[0]->lag == milliseconds{50});
  CHECK(at.levels("numbers").ready == 6);
}

TEST_CASE("a held producer is as late as the body that it holds") {
  workload_fixture at;
  const auto queue = at.queue("numbers", {.max_jobs = 1});
  sources::registry kinds;
  sources::add_all(kinds);
  at.producer("ticks", {.queue = "numbers"}, *kinds.find("interval"));
  at.start();
  const auto& ticks = *at.jobs.producers()[0];
  CHECK(ticks.lag_at(at.loop.now()) == duration::zero());
  at.loop.advance(seconds{1});  // the second body finds the queue full
  at.loop.advance(seconds{3});
  CHECK(ticks.lag_at(at.loop.now()) == seconds{3});
  CHECK(at.broker.erase(at.session, at.broker.engine().first_ready(queue)->job).answer);
  at.loop.run_ready();
  CHECK(ticks.jobs.value() == 2);
  CHECK(ticks.lag == seconds{3});
  CHECK(ticks.lag_at(at.loop.now()) == seconds{2});  // of the third body, which is held now
}

TEST_CASE("a body that can never fit is refused with its size and that reason, not as one that met a full queue") {
  testing::taken_log log{{"sentence"}};
  {
    workload_fixture at;
    at.queue("small", {.max_bytes = 3, .when_full = engine::overflow::reject});
    at.producer("large", {.queue = "small"}, testing::source_of({"12345"}));
    at.start();
    CHECK(at.jobs.producers()[0]->errors.value() == 1);
    const auto too_large = static_cast<std::size_t>(engine::reason::too_large);
    CHECK(at.broker.engine().counts(*at.broker.find("small")).rejected[too_large].value() == 1);
  }
  CHECK(log.finish() ==
        std::vector<std::string>{"put_refused: the body has 5 bytes, more than `max_bytes` of the queue "
                                 "or than a job on disk can have"});
}

TEST_CASE("a queue that refuses costs the body, is counted, and does not make the producer spin") {
  workload_fixture at;
  at.queue("numbers", {.max_jobs = 10, .when_full = engine::overflow::reject});
  at.producer("eager", {.queue = "numbers"}, testing::endless_source());
  at.start();
  const auto errors = at.jobs.producers()[0]->errors.value();
  CHECK(errors == 64);
  at.loop.advance(milliseconds{99});
  CHECK(at.jobs.producers()[0]->errors.value() == errors);
  at.loop.advance(milliseconds{1});
  CHECK(at.jobs.producers()[0]->errors.value() == 2 * errors);
  CHECK(at.jobs.producers()[0]->jobs.value() == 10);
}

TEST_CASE("dropping the oldest makes capacity for what is newer") {
  workload_fixture at;
  at.queue("numbers", {.max_jobs = 10, .when_full = engine::overflow::drop_oldest});
  at.producer("eager", {.queue = "numbers"}, testing::numbers_to(100));
  at.start();

  CHECK(at.jobs.producers()[0]->jobs.value() == 100);
  CHECK(at.broker.engine().first_ready(*at.broker.find("numbers"))->content.view() == "91");
}

TEST_CASE("errors of a source are counted and it goes on; one that only fails rests") {
  workload_fixture at;
  at.producer("patchy", {.queue = "numbers"}, testing::source_of({"a", invalid("torn"), "b", invalid("torn"), "c"}));
  std::deque<testing::scripted_source::line> failures(1'000, invalid("broken"));
  at.producer("broken", {.queue = "none"}, testing::source_of(failures));
  at.start();

  CHECK(at.levels("numbers").ready == 3);
  CHECK(at.jobs.producers()[0]->errors.value() == 2);
  CHECK(at.jobs.producers()[0]->ended);
  CHECK(at.jobs.producers()[1]->errors.value() == 64);
  at.loop.advance(milliseconds{100});
  CHECK(at.jobs.producers()[1]->errors.value() == 128);
  at.loop.advance(seconds{2});
  CHECK(at.jobs.producers()[1]->errors.value() == 1'000);
  CHECK(at.jobs.producers()[1]->ended);
}

TEST_CASE("a source that has nothing yet is awaited, and that is not lag") {
  workload_fixture at;
  at.producer("patient", {.queue = "numbers", .rate = 10}, testing::source_of({"a", duration{seconds{30}}, "b"}));
  at.start();
  at.loop.advance(seconds{30});
  CHECK(at.levels("numbers").ready == 1);
  at.loop.advance(milliseconds{100});  // asked when the second body was due

  CHECK(at.levels("numbers").ready == 2);
  CHECK(at.jobs.producers()[0]->lag == duration::zero());
}

TEST_CASE("a time to run also ends a producer whose source has nothing yet") {
  workload_fixture at;
  at.producer("patient", {.queue = "numbers", .run_for = seconds{5}}, testing::source_of({duration{hours{1}}, "late"}));
  at.start();
  at.loop.advance(seconds{5});

  CHECK(at.jobs.producers()[0]->ended);
  CHECK(at.levels("numbers").jobs() == 0);
}

TEST_CASE("producers end when puts are refused for good") {
  workload_fixture at;
  at.producer("slow", {.queue = "numbers", .rate = 1}, testing::endless_source());
  at.start();
  at.broker.refuse_puts();
  at.loop.advance(seconds{1});

  CHECK(at.jobs.producers()[0]->ended);
  CHECK(at.levels("numbers").ready == 1);
}
