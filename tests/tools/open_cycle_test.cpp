#include "tools/open_cycle.hpp"

#include "support/catch.hpp"

using namespace millrace;
using tools::open_consumer;
using tools::open_producer;
using tools::open_run;
using tools::run_stats;

namespace {

constexpr instant begin{hours{1}};

open_run run_at(double rate) {
  open_run run;
  run.run = 0xabc;
  run.body_bytes = 20;
  run.rate = rate;
  run.begin = begin;
  run.jobs = 10;
  return run;
}

}  // namespace

TEST_CASE("jobs are due one after another at the rate") {
  CHECK(run_at(4).due(0) == begin);
  CHECK(run_at(4).due(1) == begin + milliseconds{250});
  CHECK(run_at(1'000).due(90'000) == begin + seconds{90});
}

TEST_CASE("latency counts from the instant at which a put was due, also when it was sent late") {
  auto run = run_at(1'000);
  open_producer producer{run};
  run.ledger.put(3);
  producer.put(1);
  producer.put(2);
  CHECK(producer.unsent() ==
        "put 1024 0 3600 20\r\n00000abc00000001....\r\nput 1024 0 3600 20\r\n00000abc00000002....\r\n");
  REQUIRE(producer.take("INSERTED 1\r\n", begin + milliseconds{5}));
  CHECK(run.counts.commands[run_stats::put].max() == milliseconds{4});
  REQUIRE(producer.take("INSERTED 2\r\n", begin + milliseconds{42}));
  CHECK(run.counts.commands[run_stats::put].max() == milliseconds{40});
}

TEST_CASE("an answer that comes after the time of measuring counts when its job was due in it") {
  auto run = run_at(1'000);
  run.counts.from = begin + milliseconds{1};
  run.counts.until = begin + milliseconds{2};
  open_producer producer{run};
  run.ledger.put(3);
  for (std::uint64_t at = 0; at < 3; ++at) producer.put(at);
  REQUIRE(producer.take("INSERTED 1\r\nINSERTED 2\r\nINSERTED 3\r\n", begin + seconds{1}));
  CHECK(run.counts.answers == 3);
  REQUIRE(run.counts.commands[run_stats::put].count() == 1);
  CHECK(run.counts.commands[run_stats::put].max() == milliseconds{999});
  CHECK(run.counts.measured() == milliseconds{999});
}

TEST_CASE("a consumer deletes what it got and stands in reserve again") {
  auto run = run_at(1'000);
  open_consumer consumer{run};
  CHECK(consumer.next_piece() == "reserve\r\n");
  run.ledger.put(2);
  REQUIRE(consumer.take("RESERVED 9 20\r\n00000abc00000001....\r\n", begin + milliseconds{3}));
  CHECK(run.counts.jobs.max() == milliseconds{2});
  CHECK(consumer.next_piece() == "delete 9\r\nreserve\r\n");
  REQUIRE(consumer.take("DELETED\r\nRESERVED 8 20\r\n00000abc00000000....\r\n", begin + milliseconds{4}));
  CHECK(consumer.next_piece() == "delete 8\r\nreserve\r\n");
  REQUIRE(consumer.take("DELETED\r\n", begin + milliseconds{5}));
  CHECK(consumer.next_piece().empty());
  CHECK(run.ledger.verify());
  CHECK(run.counts.asked == run.counts.answers);
}

TEST_CASE("a consumer finds a job that comes out twice, and one of somebody else") {
  auto run = run_at(1'000);
  run.ledger.put(1);
  open_consumer consumer{run};
  REQUIRE(consumer.take("RESERVED 9 20\r\n00000abc00000000....\r\n", begin));
  const auto twice = consumer.take("DELETED\r\nRESERVED 9 20\r\n00000abc00000000....\r\n", begin);
  REQUIRE_FALSE(twice);
  CHECK(twice.error().text == "job 0 was delivered twice");

  open_consumer other{run};
  const auto foreign = other.take("RESERVED 3 5\r\nhello\r\n", begin);
  REQUIRE_FALSE(foreign);
  CHECK(foreign.error().text == "job 3 in the queue was not put by this run: somebody else works there");
}

TEST_CASE("an answer that nobody asked for is no protocol") {
  auto run = run_at(1);
  open_producer producer{run};
  CHECK_FALSE(producer.take("INSERTED 1\r\n", begin));
}
