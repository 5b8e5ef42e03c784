#include <csignal>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "support/catch.hpp"
#include "tools/compare_arguments.hpp"
#include "tools/compare_chart.hpp"
#include "tools/compare_report.hpp"
#include "tools/program_run.hpp"

namespace millrace::tools {
namespace {

using command = std::vector<std::string>;

compare_options options_of(const command& words) { return std::get<compare_options>(read_compare_arguments(words)); }
early_exit refusal_of(const command& words) { return std::get<early_exit>(read_compare_arguments(words)); }

program_run run_of(duration wall, duration cpu, const std::vector<printed_line>& lines = {}) {
  program_run run;
  run.wall = wall;
  run.cpu = cpu;
  run.peak_memory_bytes = 3 << 20;
  run.context_switches = 12;
  run.lines = lines;
  run.line_count = lines.size();
  return run;
}

contestant two_runs() {
  contestant one{.workload = "countdown", .name = "loop", .command = {"millraced"}};
  one.runs = {run_of(seconds{3}, milliseconds{20}),
              run_of(seconds{5}, milliseconds{40}, {{seconds{1}, "A = 3"}, {seconds{2}, "<B>"}})};
  one.runs.back().error_output =
      "a warning\n"
      R"({"service_seconds":{"p50":0.5,"p99":1},"loop_lag_seconds":null})"
      "\n";
  return one;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("without --modes a comparison runs each workload sequentially, on the loop, on threads and in processes") {
  const auto options = options_of({"a.yaml", "b.yaml"});
  CHECK(options.workloads == command{"a.yaml", "b.yaml"});
  CHECK(options.modes == command{"sequential", "loop", "threads", "processes"});
  CHECK(options.runs == 1);
  CHECK(options_of({"a.yaml", "--modes", "loop,as-written", "--runs", "1000"}).modes == command{"loop", "as-written"});
  CHECK(options_of({"a.yaml", "--against", "x 1", "--against", "y"}).against == command{"x 1", "y"});
}

TEST_CASE("a wrong command line of a comparison says what is wrong") {
  CHECK(contains(refusal_of({}).text, "workload"));
  CHECK(contains(refusal_of({"a.yaml", "--modes", "fast"}).text, "fast"));
  CHECK(contains(refusal_of({"a.yaml", "--runs", "0"}).text, "--runs"));
  CHECK(contains(refusal_of({"a.yaml", "--runs", "1001"}).text, "--runs"));
  CHECK(refusal_of({"a.yaml", "--runs", "0"}).code == exit_code::bad_arguments);
  CHECK(refusal_of({"--help"}).code == exit_code::done);
}

TEST_CASE("a run of a program has its lines, its times and its end") {
  const auto run = run_program({"sh", "-c", "echo one; echo two >&2; printf three; exit 3"}).value();
  CHECK(run.status == 3);
  REQUIRE(run.lines.size() == 2);
  CHECK(run.lines[0].text == "one");
  CHECK(run.lines[1].text == "three");
  CHECK(run.error_output == "two\n");
  CHECK(run.lines[0].at <= run.lines[1].at);
  CHECK(run.lines[1].at <= run.wall);
  CHECK(run.peak_memory_bytes > 0);
  CHECK(run_program({"sh", "-c", "kill -9 $$"}).value().status == 128 + 9);
}

TEST_CASE("what a program prints is bounded and readable") {
  const auto run = run_program({"sh", "-c", "seq 20000; printf '%01000d\\n' 1 >&2"}).value();
  CHECK(run.lines.size() == kept_lines_max);
  CHECK(run.line_count == 20'000);
  const auto odd = run_program({"sh", "-c", R"(printf '%0999d\n' 1; printf 'a\377b\n')"}).value();
  CHECK(odd.lines[0].text.size() == kept_line_bytes_max);
  CHECK(odd.lines[1].text == "a?b");
}

TEST_CASE("a program is ended by a closed pipe as in a shell, although millrace ignores SIGPIPE") {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  const auto run = run_program({"sh", "-c", "grep SigIgn /proc/self/status"}).value();
  std::signal(SIGPIPE, before);
  REQUIRE(run.lines.size() == 1);
  const auto ignored = std::stoull(run.lines[0].text.substr(run.lines[0].text.find('\t')), nullptr, 16);
  CHECK((ignored >> (SIGPIPE - 1) & 1) == 0);
}

TEST_CASE("a process that a program left behind is not waited for, also when it goes on printing") {
  const auto quiet = run_program({"sh", "-c", "sleep 600 & echo $!"}).value();
  REQUIRE(quiet.lines.size() == 1);
  ::kill(std::stoi(quiet.lines[0].text), SIGKILL);
  const auto loud = run_program({"sh", "-c", "yes & echo first; exit 5"}).value();
  CHECK(loud.status == 5);
  CHECK(loud.line_count >= 1);
}

TEST_CASE("all that a program printed before its end is read") {
  const auto run = run_program({"sh", "-c", "seq 100000; exec >&- 2>&-; exit 0"}).value();
  CHECK(run.line_count == 100'000);
}

TEST_CASE("a program that is not there is an error that names it") {
  const auto run = run_program({"/no/such/program"});
  REQUIRE(run.has_error());
  CHECK(contains(run.error().text, "/no/such/program"));
}

TEST_CASE("control characters do not leave the row of a comparison") {
  auto one = two_runs();
  one.name = "first\nsecond";
  one.runs.back().lines = {{seconds{1}, "\x1b[31mred\t\x7f"}};
  const auto text = comparison_table(std::vector{one});
  CHECK(contains(text, "first second"));
  CHECK(contains(text, " [31mred"));
  CHECK(text.find_first_of("\x1b\t\x7f") == std::string::npos);
}

TEST_CASE("a comparison shows medians, spread and the order of lines") {
  auto one = two_runs();
  read_summary(one);
  REQUIRE(one.service);
  CHECK(one.service->p99 == 1);
  CHECK_FALSE(one.loop_lag);
  const auto wall = spread_of(one, wall_seconds);
  CHECK(wall.median == 4);
  CHECK(wall.least == 3);
  CHECK(wall.most == 5);
  const auto table = comparison_table({&one, 1});
  CHECK(contains(table, "4 s (3 s – 5 s)"));
  CHECK(contains(table, "30 ms"));
  CHECK(contains(table, "3 MiB"));
  CHECK(contains(table, "500 ms / 1 s"));
  CHECK(contains(table, "A = 3, <B>"));
}

TEST_CASE("a comparison in JSON has every figure") {
  auto one = two_runs();
  read_summary(one);
  const auto all = boost::json::parse(comparison_json({&one, 1}, 2)).as_object();
  CHECK(all.at("runs").as_int64() == 2);
  const auto& result = all.at("results").as_array().at(0).as_object();
  CHECK(result.at("workload") == "countdown");
  CHECK(result.at("wall_seconds").as_object().at("least").as_double() == 3);
  CHECK(result.at("processor_seconds").as_object().at("median").as_double() == Approx(0.03));
  CHECK(result.at("context_switches").as_object().at("median").as_double() == 12);
  CHECK(result.at("loop_lag_seconds").is_null());
  CHECK(result.at("lines").as_array().at(1).as_object().at("text") == "<B>");
}

TEST_CASE("the drawing of a comparison has a row for each program and a mark for each line") {
  const auto one = two_runs();
  contestant other{.name = "python3 x.py", .command = {"sh"}};
  other.runs = {run_of(seconds{9}, seconds{1})};
  const std::vector<contestant> all{one, other};
  const auto drawing = comparison_chart(all);
  CHECK(contains(drawing, "countdown, loop: 4 s"));
  CHECK(contains(drawing, "python3 x.py: 9 s"));
  CHECK(contains(drawing, "&lt;B&gt;"));
  std::size_t marks = 0;
  for (auto at = drawing.find("class=\"mark\""); at != std::string::npos; at = drawing.find("class=\"mark\"", at + 1))
    ++marks;
  CHECK(marks == 2);
}

TEST_CASE("the drawing of a comparison has the lanes of a trace in place of marks, and the order of the lines") {
  auto one = two_runs();
  trace_row row{"tasks", "count#1", {{.begin = 1, .length = 2, .name = "A", .job = 1, .outcome = "ok"}}};
  one.trace = trace_rows{.rows = {row}, .seconds = 3};
  const auto drawing = comparison_chart({&one, 1});
  CHECK(contains(drawing, ">count#1</text>"));
  CHECK(contains(drawing, "<title>A: 2 s, from 1 s, ok</title>"));
  CHECK(contains(drawing, "printed: A = 3, &lt;B&gt;"));
  CHECK_FALSE(contains(drawing, "class=\"mark\""));
}

}  // namespace
}  // namespace millrace::tools
