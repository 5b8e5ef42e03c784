#include "tools/report.hpp"

#include <boost/json.hpp>

#include "support/catch.hpp"

using namespace millrace;
namespace json = boost::json;
using tools::bench_options;
using tools::bench_phase;
using tools::run_stats;
using tools::server_result;

namespace {

/// A second in which `jobs` were put, reserved and deleted, each command in `took`.
run_stats run_of(std::uint64_t jobs, duration took) {
  run_stats run;
  run.from = instant{hours{1}};
  run.until = run.from + seconds{1};
  for (const auto kind : {run_stats::put, run_stats::reserve, run_stats::remove})
    run.answered(kind, took, jobs, run.from);
  run.jobs.note(2 * took, jobs);
  return run;
}

server_result server_of(const std::string& name, std::initializer_list<std::uint64_t> jobs, duration took) {
  server_result server{name, {}};
  for (const auto each : jobs) server.runs.push_back(run_of(each, took));
  return server;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("rates are counts by the time they were counted over") {
  const auto run = run_of(1'000, milliseconds{1});
  CHECK(tools::jobs_per_second(run, bench_phase::mix) == 1'000);
  CHECK(tools::commands_per_second(run) == 3'000);
  CHECK(server_of("a", {1'000, 3'000}, milliseconds{1}).merged().measured() == seconds{2});
  CHECK(tools::jobs_per_second(server_of("a", {1'000, 3'000}, milliseconds{1}).merged(), bench_phase::mix) == 2'000);
}

TEST_CASE("a ratio is the median of the pairs' ratios") {
  const auto ours = server_of("ours", {600, 100, 1'000}, milliseconds{1});
  const auto theirs = server_of("theirs", {200, 100, 100}, milliseconds{4});
  const auto jobs = tools::throughput_ratio(ours, theirs, bench_phase::mix);
  CHECK(jobs.median == 3);
  CHECK(jobs.least == 1);
  CHECK(jobs.most == 10);
  CHECK(tools::p99_ratio(ours, theirs, bench_phase::mix).median == Approx(0.25).epsilon(0.02));
}

TEST_CASE("the table names what was asked for, each server's figures and the ratio") {
  bench_options options;
  options.connections = 64;
  options.extra_queues = 20'000;
  const auto text = tools::table_of(
      {server_of("ours:1", {600, 600}, milliseconds{1}), server_of("theirs:2", {200, 200}, milliseconds{4})}, options);
  CHECK(contains(text, "mix, 64 connections x depth 8, bodies of 64 B, 20k further queues\n"));
  CHECK(contains(text, "600 jobs/s, 1.8 k commands/s (medians of 2 runs)"));
  CHECK(contains(text, "put to reserved"));
  CHECK(contains(text, "ours:1 against theirs:2"));
  CHECK(contains(text, "3.00   (3.00 to 3.00)"));
}

TEST_CASE("the JSON object has the promised names") {
  const bench_options options;
  const auto text = tools::json_of(
      {server_of("unix:/a\"b", {600}, milliseconds{1}), server_of("theirs:2", {200}, milliseconds{4})}, options);
  CHECK(text.ends_with("}\n"));
  const auto all = json::parse(text).as_object();
  CHECK(all.at("server") == "unix:/a\"b");
  CHECK(all.at("options").at("phase") == "mix");
  CHECK(all.at("options").at("connections") == 16);
  CHECK(all.at("against").at("server") == "theirs:2");
  CHECK(all.at("ratio").at("jobs_per_second").at("median") == 3.0);
  CHECK(all.at("ratio").at("p99").as_object().contains("least"));
  const auto& run = all.at("runs").at(0);
  CHECK(run.at("jobs_per_second") == 600.0);
  CHECK(run.at("commands_per_second") == 1800.0);
  CHECK(run.at("seconds") == 1.0);
  CHECK(run.at("jobs") == 600);
  CHECK(run.at("commands") == 1800);
  CHECK(run.at("latency_us").at("put").at("count") == 600);
  CHECK(run.at("latency_us").at("put").at("mean") == 1000.0);
  for (const char* const name : {"p50", "p90", "p99", "p99_9", "max"})
    CHECK(all.at("total").at("latency_us").at("job").as_object().contains(name));
}

TEST_CASE("a path that is not UTF-8 leaves the JSON valid") {
  const auto text = tools::json_of({server_of("unix:/\xff", {600}, milliseconds{1})}, bench_options{});
  CHECK(json::parse(text).at("server") == "unix:/\ufffd");
}

TEST_CASE("nothing measured is a report of zeros") {
  const bench_options options;
  const std::vector<server_result> none{{"a:1", {run_stats{}}}};
  CHECK(contains(tools::table_of(none, options), "0 jobs/s"));
  CHECK(json::parse(tools::json_of(none, options)).at("total").at("jobs_per_second") == 0.0);
  CHECK(tools::picture_of(none, options).empty());
}
