#include "telemetry/summary.hpp"

#include <memory>
#include <optional>
#include <regex>
#include <string>
#include <utility>

#include <millrace/handlers/handler.hpp>
#include <millrace/loop/io_thread.hpp>
#include <millrace/sources/source.hpp>

#include "loop/task_scope.hpp"
#include "support/catch.hpp"
#include "support/page_fixture.hpp"
#include "support/text_matcher.hpp"

using namespace millrace;
using testing::page_fixture;

namespace {

/// Produces 1 to 5.
class five_numbers : public sources::source {
 public:
  sources::next_body next(instant) override {
    if (next_ > 5) return sources::no_more{};
    return body{std::to_string(next_++)};
  }
  loop::awaitable<> more() override { co_return; }
  [[nodiscard]] bool endless() const override { return false; }

 private:
  int next_{1};
};

/// Fails the job 3.
class picky : public handlers::quick_handler {
 public:
  handlers::answer handle(const handlers::job& work) override {
    if (work.content.view() == "3") return invalid("not this one");
    return std::optional<std::string>{};
  }
};

const options_of<no_options> none;
const sources::kind numbers_kind{
    "five", "", &none, [](const void*, const sources::source_context&) -> result<std::unique_ptr<sources::source>> {
      return std::unique_ptr<sources::source>{std::make_unique<five_numbers>()};
    }};
const handlers::kind picky_kind{
    "picky", "", &none, false, [](const void*, const handlers::handler_context&) -> result<handlers::handler> {
      return handlers::handler{std::unique_ptr<handlers::quick_handler>{std::make_unique<picky>()}};
    }};

loop::awaitable<> run(page_fixture& fixture, std::string& summary) {
  loop::io_thread output{fixture.loop, "output"};
  fixture.broker.declare("numbers", {}).value();
  fixture.broker.declare("verdicts", {}).value();
  workload::producer_settings producer{"candidates", {}, &numbers_kind, none.make()};
  producer.common.queue = "numbers";
  workload::consumer_settings consumer{"judge", {}, &picky_kind, none.make()};
  consumer.common.queue = {"numbers"};
  consumer.common.output = "verdicts";
  const sources::source_context inputs{fixture.loop};
  const handlers::handler_context outputs{fixture.loop, output};
  fixture.work.start({producer}, {consumer}, inputs, outputs).value();
  co_await fixture.work.idle();
  const telemetry::run_facts facts{milliseconds{1'500}, {"numbers"}};
  summary = telemetry::summary(fixture.broker, fixture.work, facts);
  fixture.work.stop();
  co_await fixture.work.join();
  output.close();
  co_await page_fixture::close(fixture);
}

}  // namespace

TEST_CASE("the summary has the outcomes, the jobs that are left, the times and the memory") {
  std::string summary;
  loop::event_loop loop;
  loop::task_scope tasks{loop};
  page_fixture fixture{loop};
  tasks.spawn("story", run(fixture, summary));
  loop.run();
  INFO(summary);
  const std::regex expected{
      "jobs: 4 ok, 1 failed\n"
      "  judge: 4 ok, 1 failed\n"
      "wait: p50 [0-9.]+[mu]?s, p99 [0-9.]+[mu]?s\n"
      "service: p50 [0-9.]+[mu]?s, p99 [0-9.]+[mu]?s\n"
      "buried:\n"
      "  numbers: 1\n"
      "left:\n"
      "  verdicts: 4 \\(no consumer serves this queue\\)\n"
      "wall time: 1.5s, processor time: [0-9.]+m?s, peak memory: [0-9]+ MiB\n"};
  CHECK(std::regex_match(summary, expected));
}

TEST_CASE("the summary of a run without jobs has zeros") {
  loop::event_loop loop;
  loop::task_scope tasks{loop};
  page_fixture fixture{loop};
  const auto summary = telemetry::summary(fixture.broker, fixture.work, {});
  CHECK_THAT(summary, Catch::Matchers::StartsWith("jobs: 0 ok, 0 failed\nwait: none\nservice: none\nwall time: 0"));
  tasks.spawn("end", page_fixture::close(fixture));
  loop.run();
}

TEST_CASE("the summary counts jobs that were dropped, expired or cancelled, also when nobody attempted them") {
  loop::event_loop loop{loop::clock_kind::manual};
  loop::task_scope tasks{loop};
  page_fixture fixture{loop};
  const auto put = [&](std::string_view queue, engine::put_request job) {
    const auto into = *fixture.broker.find(queue);
    return fixture.broker.try_put(fixture.broker.open_session(), into, std::move(job)).answer.job;
  };
  fixture.broker.declare("small", {.max_jobs = 1, .when_full = engine::overflow::drop_oldest}).value();
  fixture.broker.declare("brief", {.expire_after = milliseconds{1}}).value();
  static_cast<void>(put("small", {.content = body{"dropped"}}));
  static_cast<void>(put("small", {.content = body{"dropped"}}));
  const auto last = put("small", {.content = body{"cancelled"}});
  CHECK(fixture.broker.cancel(last).answer);
  static_cast<void>(put("brief", {.content = body{"expired"}}));
  loop.advance(milliseconds{1});

  CHECK_THAT(telemetry::summary(fixture.broker, fixture.work, {}),
             Catch::Matchers::StartsWith("jobs: 0 ok, 0 failed\nended early, in all queues: 2 dropped, 1 expired, "
                                         "1 cancelled\nwait: none\n"));
  CHECK_THAT(telemetry::summary_json(fixture.broker, fixture.work, {}),
             testing::contains_text(R"("dropped":2,"expired":1,"cancelled":1)"));
  tasks.spawn("end", page_fixture::close(fixture));
  loop.run();
}
