// The order of jobs by a template: `order_by` of producers, `output_order_by` of consumers.
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "workload/job_order.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using engine::outcome;
using testing::workload_fixture;
using workload::job_order;

namespace {

constexpr engine::priority middle = 1u << 31;

job_order order(std::string_view text) { return job_order::parse(text).value(); }

testing::scripted_source::line line(std::string text) { return text; }

}  // namespace

TEST_CASE("a whole number or a duration becomes a priority, and a minus reverses the order") {
  const auto priority_of = [](std::string_view text, std::string_view content) {
    return order(text).priority_of(body{content}).value();
  };
  CHECK(priority_of("${body}", "0") == middle);
  CHECK(priority_of("${body}", "7") == middle + 7);
  CHECK(priority_of("${body}", " -7\n") == middle - 7);
  CHECK(priority_of("-${body}", "7") == middle - 7);
  CHECK(priority_of("${body}", "1.5s") == middle + 1'500);
  CHECK(priority_of("-${json:/cook}", R"({"cook": "1m"})") == middle - 60'000);
  CHECK(priority_of("${json:/n|3}", "no JSON") == middle + 3);
  CHECK(priority_of("${body}", "2147483647") == 0xffff'ffff);
  CHECK(priority_of("${body}", "-2147483648") == 0);
}

TEST_CASE("a body without a number or a duration has no order, and the error says why") {
  const auto problem = [](std::string_view text, std::string_view content) {
    const auto refused = order(text).priority_of(body{content});
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == errc::rejected);
    return refused.error().text;
  };
  CHECK(problem("${body}", "soon") == R"(order_by: "soon" is no whole number and no duration)");
  CHECK(problem("${body}", "") == R"(order_by: "" is no whole number and no duration)");
  CHECK(problem("${body}", "1.5") == R"(order_by: "1.5" is no whole number and no duration)");
  CHECK(problem("-${body}", "-1") == R"(order_by: "--1" is no whole number and no duration)");
  CHECK(problem("${json:/cook}", "{}") == "`${json:/cook}`: the body has no such value");
  for (const auto* const beyond : {"2147483648", "-2147483649", "25d"})
    CHECK(problem("${body}", beyond) == std::string{"order_by: \""} + beyond +
                                            "\" is not between -2147483648 and 2147483647 (a duration counts in "
                                            "milliseconds)");
}

TEST_CASE("an order that is the same for all jobs, or not known at the put, is no order") {
  CHECK(job_order::parse("5").error().text == "\"5\" is the same for all jobs");
  for (const auto* const text : {"${id}", "${body}${queue}", "${attempt}"})
    CHECK(job_order::parse(text).error().text == "only the body of a job is known before its put");
  CHECK(job_order::parse("${nothing}").has_error());
}

TEST_CASE("the jobs of a producer are served by the value of their bodies") {
  workload_fixture fixture;
  fixture.producer("dishes", {.queue = "dishes", .order_by = order("-${body}")},
                   testing::source_of({line("300ms"), line("1s"), line("soon"), line("500ms")}));
  fixture.consumer("cook", {.queue = {"dishes"}}, testing::quick_kind(fixture.note()));
  fixture.start();

  CHECK(fixture.seen == std::vector<std::string>{"1s", "500ms", "300ms"});
  CHECK(fixture.jobs.producers()[0]->jobs.value() == 3);
  CHECK(fixture.jobs.producers()[0]->errors.value() == 1);
}

TEST_CASE("outputs are served by the value of their bodies, and an output without one rejects its job") {
  workload_fixture fixture;
  const auto in = fixture.queue("in");
  fixture.queue("out");
  fixture.consumer("middle", {.queue = {"in"}, .output = "out", .output_order_by = order("${body}")},
                   testing::quick_kind([](const handlers::job& work) -> handlers::answer {
                     return work.content.view() == "none" ? std::string{"no number"} : std::string{work.content.view()};
                   }));
  for (const auto* const content : {"3", "none", "1", "2"}) fixture.put(in, content);
  fixture.consumer("end", {.queue = {"out"}}, testing::quick_kind(fixture.note()));
  fixture.start();

  CHECK(fixture.seen == std::vector<std::string>{"1", "2", "3"});
  CHECK(fixture.outcomes(0, outcome::ok) == 3);
  CHECK(fixture.outcomes(0, outcome::failed) == 1);
  const auto buried = fixture.broker.engine().first_buried(in);
  REQUIRE(buried);
  CHECK(buried->content.view() == "none");
  CHECK(buried->error_text == R"(the output has no order: order_by: "no number" is no whole number and no duration)");
}
