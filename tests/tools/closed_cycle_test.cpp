#include "tools/closed_cycle.hpp"

#include <deque>
#include <string>

#include "support/catch.hpp"

using namespace millrace;
using tools::closed_cycle;
using tools::closed_plan;
using tools::closed_run;

namespace {

constexpr instant begin{hours{1}};

closed_run run_of(closed_plan::work task, std::uint32_t depth, std::uint64_t jobs) {
  closed_run run;
  run.plan.task = task;
  run.plan.run = 0xabc;
  run.plan.depth = depth;
  run.plan.body_bytes = 20;
  run.plan.jobs = jobs;
  return run;
}

/// Answers like a server, in order of ids, except for its fault.
class small_server {
 public:
  enum class fault { none, loses_one, gives_one_twice };

  explicit small_server(fault kind = fault::none) : fault_{kind} {}

  std::string answers_to(std::string_view commands) {
    std::string out;
    while (!commands.empty()) {
      const auto end = commands.find("\r\n");
      const std::string line{commands.substr(0, end)};
      commands.remove_prefix(end + 2);
      if (line.starts_with("put ")) {
        CHECK(line == "put 1024 0 3600 20");
        jobs.push_back({++ids_, std::string{commands.substr(0, 20)}});
        commands.remove_prefix(22);
        if (fault_ == fault::loses_one && ids_ == 2) jobs.pop_back();
        out += "INSERTED " + std::to_string(ids_) + "\r\n";
      } else if (line.starts_with("reserve-with-timeout ")) {
        out += reserve();
      } else {
        CHECK(line.starts_with("delete "));
        out += "DELETED\r\n";
      }
    }
    return out;
  }

  struct job {
    std::uint64_t id;
    std::string body;
  };
  std::deque<job> jobs;

 private:
  std::string reserve() {
    if (jobs.empty()) return "TIMED_OUT\r\n";
    const job first = jobs.front();
    if (fault_ != fault::gives_one_twice || first.id != 2) jobs.pop_front();
    return "RESERVED " + std::to_string(first.id) + " 20\r\n" + first.body + "\r\n";
  }

  fault fault_;
  std::uint64_t ids_{0};
};

/// The whole conversation; the error that ended it, if one did.
result<> talk(closed_run& run, small_server& server) {
  closed_cycle cycle{run};
  instant now = begin;
  cycle.begin(now);
  while (!cycle.ended()) {
    const std::string answers = server.answers_to(cycle.next_piece());
    now += milliseconds{1};
    // In two pieces, as the network may deliver it.
    for (const auto piece : {std::string_view{answers}.substr(0, 7), std::string_view{answers}.substr(7)}) {
      auto taken = cycle.take(piece, now);
      if (!taken) return taken;
    }
  }
  return {};
}

}  // namespace

TEST_CASE("each piece holds as many commands as are to be in flight") {
  auto run = run_of(closed_plan::work::mix, 2, 0);
  closed_cycle cycle{run};
  cycle.begin(begin);
  CHECK(cycle.next_piece() ==
        "put 1024 0 3600 20\r\n00000abc00000000....\r\nput 1024 0 3600 20\r\n00000abc00000001....\r\n");
  CHECK(cycle.next_piece().empty());
  REQUIRE(cycle.take("INSERTED 5\r\nINSER", begin));
  CHECK(cycle.next_piece().empty());
  REQUIRE(cycle.take("TED 6\r\n", begin));
  CHECK(cycle.next_piece() == "reserve-with-timeout 10\r\nreserve-with-timeout 10\r\n");
  REQUIRE(cycle.take("RESERVED 5 20\r\n00000abc00000000....\r\nRESERVED 6 20\r\n00000abc00000001....\r\n", begin));
  CHECK(cycle.next_piece() == "delete 5\r\ndelete 6\r\n");
  REQUIRE(cycle.take("DELETED\r\nDELETED\r\n", begin));
  CHECK(cycle.next_piece().starts_with("put 1024 0 3600 20\r\n00000abc00000002"));
}

TEST_CASE("a mix of so many jobs puts them all and takes them all out") {
  auto run = run_of(closed_plan::work::mix, 4, 10);
  small_server server;
  REQUIRE(talk(run, server));
  CHECK(run.ledger.jobs_put() == 10);
  CHECK(run.ledger.verify());
  for (const auto& commands : run.counts.commands) CHECK(commands.count() == 10);
  CHECK(run.counts.jobs.count() == 10);
  CHECK(run.counts.jobs.max() == milliseconds{2});
  CHECK(run.counts.asked == run.counts.answers);
}

TEST_CASE("a drain takes out what was put, and ends when nothing is left") {
  auto run = run_of(closed_plan::work::put, 4, 10);
  small_server server;
  REQUIRE(talk(run, server));
  CHECK(server.jobs.size() == 10);
  CHECK_FALSE(run.ledger.verify());
  run.plan.task = closed_plan::work::drain;
  REQUIRE(talk(run, server));
  CHECK(server.jobs.empty());
  CHECK(run.ledger.verify());
}

TEST_CASE("a job that the server loses is found") {
  auto run = run_of(closed_plan::work::mix, 4, 8);
  small_server server{small_server::fault::loses_one};
  const auto mixed = talk(run, server);
  REQUIRE_FALSE(mixed);
  CHECK(mixed.error().text == "reserve was answered by TIMED_OUT: no job was ready in time");

  auto filled = run_of(closed_plan::work::put, 4, 8);
  small_server again{small_server::fault::loses_one};
  REQUIRE(talk(filled, again));
  filled.plan.task = closed_plan::work::drain;
  REQUIRE(talk(filled, again));
  REQUIRE_FALSE(filled.ledger.verify());
  CHECK(filled.ledger.verify().error().text == "1 of 8 jobs were lost, job 1 the first of them");
}

TEST_CASE("a job that the server gives out twice is found") {
  auto run = run_of(closed_plan::work::mix, 4, 8);
  small_server server{small_server::fault::gives_one_twice};
  const auto mixed = talk(run, server);
  REQUIRE_FALSE(mixed);
  CHECK(mixed.error().text == "job 1 was delivered twice");
}

TEST_CASE("somebody else's job in the queue is an error that says so") {
  for (const char* const body : {"00000abd00000000....", "something different!"}) {
    auto run = run_of(closed_plan::work::mix, 1, 1);
    small_server server;
    server.jobs.push_back({77, body});
    const auto mixed = talk(run, server);
    REQUIRE_FALSE(mixed);
    CHECK(mixed.error().text == "job 77 in the queue was not put by this run: somebody else works there");
  }
}

TEST_CASE("without checks whatever is in the queue is cleared away") {
  auto run = run_of(closed_plan::work::drain, 3, 0);
  run.plan.check = false;
  small_server server;
  for (std::uint64_t id = 1; id <= 7; ++id) server.jobs.push_back({id, "something different!"});
  CHECK(talk(run, server));
  CHECK(server.jobs.empty());
}

TEST_CASE("jobs put to stay are out of the way, and are an error when they come out before others") {
  auto run = run_of(closed_plan::work::put, 2, 2);
  run.plan.to_stay = true;
  closed_cycle backlog{run};
  backlog.begin(begin);
  CHECK(backlog.next_piece() ==
        "put 1000000 0 3600 20\r\n00000abc80000000....\r\nput 1000000 0 3600 20\r\n00000abc80000001....\r\n");
  CHECK(run.ledger.jobs_put() == 0);

  auto mix = run_of(closed_plan::work::mix, 1, 1);
  small_server server;
  server.jobs.push_back({1, "00000abc80000000...."});
  const auto mixed = talk(mix, server);
  REQUIRE_FALSE(mixed);
  CHECK(mixed.error().text == "a job of the backlog was delivered although one of better priority was ready");
}

TEST_CASE("what refuses a put is said in words") {
  for (const auto& [answer, words] :
       {std::pair{"DRAINING\r\n", "put was answered by DRAINING: it takes no more jobs"},
        std::pair{"OUT_OF_MEMORY\r\n",
                  "put was answered by OUT_OF_MEMORY: it has no memory left, or a limit is reached, such as that of a "
                  "full queue"},
        std::pair{"HTTP/1.1 400 Bad Request\r\n", "what it answers is not the beanstalk protocol"}}) {
    auto run = run_of(closed_plan::work::mix, 1, 1);
    closed_cycle cycle{run};
    cycle.begin(begin);
    const auto taken = cycle.take(answer, begin);
    REQUIRE_FALSE(taken);
    CHECK(taken.error().text == words);
  }
}

TEST_CASE("only what is answered in the time of measuring counts") {
  auto run = run_of(closed_plan::work::mix, 1, 4);
  run.counts.from = begin + milliseconds{4};
  run.counts.until = begin + milliseconds{8};
  small_server server;
  REQUIRE(talk(run, server));
  CHECK(run.ledger.verify());
  CHECK(run.counts.answers == 12);
  CHECK(run.counts.commands_counted() == 4);
  CHECK(run.counts.measured() == milliseconds{4});
}

TEST_CASE("when its time is over a cycle ends what it began, and no more") {
  auto run = run_of(closed_plan::work::mix, 2, 0);
  run.plan.until = begin + milliseconds{4};
  small_server server;
  REQUIRE(talk(run, server));
  CHECK(run.ledger.jobs_put() == 4);
  CHECK(run.ledger.verify());
}
