#include "sources/catalogue.hpp"
#include "support/catch.hpp"
#include "support/taken_log.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using testing::workload_fixture;

TEST_CASE("a producer puts what its source has, with its priority, delay and time to run, and ends with it") {
  workload_fixture fixture;
  fixture.queue("numbers");
  fixture.producer("three", {.queue = "numbers", .priority = 7, .delay = seconds{2}, .ttr = seconds{9}},
                   testing::numbers_to(3));
  fixture.start();

  CHECK(fixture.levels("numbers").delayed == 3);
  const auto job = fixture.broker.engine().first_delayed(*fixture.broker.find("numbers"));
  CHECK(job->priority == 7);
  CHECK(job->ttr == seconds{9});
  CHECK(job->due == fixture.loop.now() + seconds{2});
  CHECK(fixture.jobs.producers()[0]->jobs.value() == 3);
  CHECK(fixture.jobs.producers()[0]->ended);
}

TEST_CASE("a rate spreads bodies over time") {
  workload_fixture fixture;
  fixture.producer("slow", {.queue = "numbers", .rate = 10}, testing::endless_source());
  fixture.start();
  CHECK(fixture.levels("numbers").ready == 1);
  fixture.loop.advance(milliseconds{950});
  CHECK(fixture.levels("numbers").ready == 10);
  fixture.loop.advance(milliseconds{50});
  CHECK(fixture.levels("numbers").ready == 11);
}

TEST_CASE("a producer ends at its limit, or when its time is over") {
  workload_fixture fixture;
  fixture.producer("five", {.queue = "numbers", .limit = 5}, testing::endless_source());
  fixture.producer("second", {.queue = "others", .rate = 10, .run_for = seconds{1}}, testing::endless_source());
  fixture.start();
  fixture.loop.advance(seconds{10});

  CHECK(fixture.levels("numbers").ready == 5);
  CHECK(fixture.levels("others").ready == 10);
  CHECK(fixture.jobs.producers()[0]->ended);
  CHECK(fixture.jobs.producers()[1]->ended);
}

TEST_CASE("the limit of the command line ends endless producers and leaves the others alone") {
  workload_fixture fixture{{.limit = 4}};
  fixture.producer("endless", {.queue = "a"}, testing::endless_source());
  fixture.producer("limited", {.queue = "b", .limit = 6}, testing::endless_source());
  fixture.producer("finite", {.queue = "c"}, testing::numbers_to(7));
  fixture.producer("timed", {.queue = "d", .rate = 1, .run_for = seconds{8}}, testing::endless_source());
  fixture.start();
  fixture.loop.advance(seconds{10});

  CHECK(fixture.levels("a").ready == 4);
  CHECK(fixture.levels("b").ready == 6);
  CHECK(fixture.levels("c").ready == 7);
  CHECK(fixture.levels("d").ready == 8);
}

TEST_CASE("a full queue suspends its producers, and the time is measured") {
  workload_fixture fixture;
  const auto queue = fixture.queue("numbers", {.max_jobs = 10});
  fixture.producer("eager", {.queue = "numbers"}, testing::numbers_to(12));
  fixture.start();
  CHECK(fixture.levels("numbers").ready == 10);
  CHECK(fixture.jobs.held_producers().active() == 1);
  fixture.loop.advance(seconds{4});
  CHECK(fixture.jobs.held_producers().total(fixture.loop.now()) == seconds{4});

  fixture.broker.watch(fixture.session, "numbers").value();
  for (int i = 0; i < 2; ++i) {
    const auto taken = fixture.broker.try_reserve(fixture.session, engine::lease::unlimited).answer;
    static_cast<void>(fixture.broker.try_finish(fixture.session, {.job = taken.job.job}));
    fixture.loop.run_ready();
  }

  CHECK(fixture.jobs.producers()[0]->jobs.value() == 12);
  CHECK(fixture.jobs.producers()[0]->ended);
  CHECK(fixture.jobs.held_producers().active() == 0);
  CHECK(fixture.broker.engine().counts(queue).puts.value() == 12);
}

TEST_CASE("a producer that was held catches up with its rate and says how late it was") {
  workload_fixture fixture;
  fixture.queue("numbers", {.max_jobs = 1});
  fixture.producer("paced", {.queue = "numbers", .rate = 10}, testing::endless_source());
  fixture.start();
  fixture.loop.advance(milliseconds{550});
  fixture.broker.watch(fixture.session, "numbers").value();
  fixture.broker.declare("numbers", {.max_jobs = 1'000}).value();
  fixture.loop.run_ready();

  CHECK(fixture.jobs.producers()[0]->lag == milliseconds{50});
  CHECK(fixture.levels("numbers").ready == 6);
}

TEST_CASE("a held producer is as late as the body that it holds") {
  workload_fixture fixture;
  const auto queue = fixture.queue("numbers", {.max_jobs = 1});
  sources::registry kinds;
  sources::add_all(kinds);
  fixture.producer("ticks", {.queue = "numbers"}, *kinds.find("interval"));
  fixture.start();
  const auto& ticks = *fixture.jobs.producers()[0];
  CHECK(ticks.lag_at(fixture.loop.now()) == duration::zero());
  fixture.loop.advance(seconds{1});  // the second body finds the queue full
  fixture.loop.advance(seconds{3});
  CHECK(ticks.lag_at(fixture.loop.now()) == seconds{3});
  CHECK(fixture.broker.erase(fixture.session, fixture.broker.engine().first_ready(queue)->job).answer);
  fixture.loop.run_ready();
  CHECK(ticks.jobs.value() == 2);
  CHECK(ticks.lag == seconds{3});
  CHECK(ticks.lag_at(fixture.loop.now()) == seconds{2});  // of the third body, which is held now
}

TEST_CASE("a body that can never fit is refused with its size and that reason, not as one that met a full queue") {
  testing::taken_log log{{"sentence"}};
  {
    workload_fixture fixture;
    fixture.queue("small", {.max_bytes = 3, .when_full = engine::overflow::reject});
    fixture.producer("large", {.queue = "small"}, testing::source_of({"12345"}));
    fixture.start();
    CHECK(fixture.jobs.producers()[0]->errors.value() == 1);
    const auto too_large = static_cast<std::size_t>(engine::reason::too_large);
    CHECK(fixture.broker.engine().counts(*fixture.broker.find("small")).rejected[too_large].value() == 1);
  }
  CHECK(log.finish() ==
        std::vector<std::string>{"put_refused: the body has 5 bytes, more than `max_bytes` of the queue "
                                 "or than a job on disk can have"});
}

TEST_CASE("a queue that refuses costs the body, is counted, and does not make the producer spin") {
  workload_fixture fixture;
  fixture.queue("numbers", {.max_jobs = 10, .when_full = engine::overflow::reject});
  fixture.producer("eager", {.queue = "numbers"}, testing::endless_source());
  fixture.start();
  const auto errors = fixture.jobs.producers()[0]->errors.value();
  CHECK(errors == 64);
  fixture.loop.advance(milliseconds{99});
  CHECK(fixture.jobs.producers()[0]->errors.value() == errors);
  fixture.loop.advance(milliseconds{1});
  CHECK(fixture.jobs.producers()[0]->errors.value() == 2 * errors);
  CHECK(fixture.jobs.producers()[0]->jobs.value() == 10);
}

TEST_CASE("dropping the oldest makes capacity for what is newer") {
  workload_fixture fixture;
  fixture.queue("numbers", {.max_jobs = 10, .when_full = engine::overflow::drop_oldest});
  fixture.producer("eager", {.queue = "numbers"}, testing::numbers_to(100));
  fixture.start();

  CHECK(fixture.jobs.producers()[0]->jobs.value() == 100);
  CHECK(fixture.broker.engine().first_ready(*fixture.broker.find("numbers"))->content.view() == "91");
}

TEST_CASE("errors of a source are counted and it goes on; one that only fails rests") {
  workload_fixture fixture;
  fixture.producer("patchy", {.queue = "numbers"},
                   testing::source_of({"a", invalid("torn"), "b", invalid("torn"), "c"}));
  std::deque<testing::scripted_source::line> failures(1'000, invalid("broken"));
  fixture.producer("broken", {.queue = "none"}, testing::source_of(failures));
  fixture.start();

  CHECK(fixture.levels("numbers").ready == 3);
  CHECK(fixture.jobs.producers()[0]->errors.value() == 2);
  CHECK(fixture.jobs.producers()[0]->ended);
  CHECK(fixture.jobs.producers()[1]->errors.value() == 64);
  fixture.loop.advance(milliseconds{100});
  CHECK(fixture.jobs.producers()[1]->errors.value() == 128);
  fixture.loop.advance(seconds{2});
  CHECK(fixture.jobs.producers()[1]->errors.value() == 1'000);
  CHECK(fixture.jobs.producers()[1]->ended);
}

TEST_CASE("a source that has nothing yet is awaited, and that is not lag") {
  workload_fixture fixture;
  fixture.producer("patient", {.queue = "numbers", .rate = 10}, testing::source_of({"a", duration{seconds{30}}, "b"}));
  fixture.start();
  fixture.loop.advance(seconds{30});
  CHECK(fixture.levels("numbers").ready == 1);
  fixture.loop.advance(milliseconds{100});  // asked when the second body was due

  CHECK(fixture.levels("numbers").ready == 2);
  CHECK(fixture.jobs.producers()[0]->lag == duration::zero());
}

TEST_CASE("a time to run also ends a producer whose source has nothing yet") {
  workload_fixture fixture;
  fixture.producer("patient", {.queue = "numbers", .run_for = seconds{5}},
                   testing::source_of({duration{hours{1}}, "late"}));
  fixture.start();
  fixture.loop.advance(seconds{5});

  CHECK(fixture.jobs.producers()[0]->ended);
  CHECK(fixture.levels("numbers").jobs() == 0);
}

TEST_CASE("producers end when puts are refused for good") {
  workload_fixture fixture;
  fixture.producer("slow", {.queue = "numbers", .rate = 1}, testing::endless_source());
  fixture.start();
  fixture.broker.refuse_puts();
  fixture.loop.advance(seconds{1});

  CHECK(fixture.jobs.producers()[0]->ended);
  CHECK(fixture.levels("numbers").ready == 1);
}
