#include <algorithm>
#include <sstream>
#include <string>
#include <utility>

#include "base/utf8.hpp"
#include "support/catch.hpp"
#include "tools/svg.hpp"
#include "tools/trace_chart.hpp"
#include "tools/trace_rows.hpp"

namespace millrace::tools {
namespace {

constexpr const char* names = R"([
{"ph":"M","pid":1,"tid":0,"ts":0.000,"name":"process_name","args":{"name":"tasks"}},
{"ph":"M","pid":2,"tid":0,"ts":0.000,"name":"process_name","args":{"name":"threads"}},
{"ph":"M","pid":1,"tid":1,"ts":0.000,"name":"thread_name","args":{"name":"send#10"}},
{"ph":"M","pid":1,"tid":2,"ts":0.000,"name":"thread_name","args":{"name":"letters"}},
{"ph":"M","pid":2,"tid":3,"ts":0.000,"name":"thread_name","args":{"name":"offload 1"}},
{"ph":"M","pid":1,"tid":4,"ts":0.000,"name":"thread_name","args":{"name":"send#2"}},
)";
constexpr const char* spans =
    R"({"ph":"X","pid":1,"tid":1,"ts":2000000.000,"dur":1000000.000,"name":"an offload worker","cat":"wait"},
{"ph":"X","pid":2,"tid":3,"ts":2100000.000,"dur":800000.000,"name":"Ann","cat":"offload","args":{"job":1}},
{"ph":"X","pid":1,"tid":1,"ts":2000000.000,"dur":2000000.000,"name":"Ann","cat":"job","args":{"job":1,"outcome":"ok"}},
{"ph":"X","pid":1,"tid":2,"ts":0.000,"dur":1000000.000,"name":"sleep","cat":"wait"},
{"ph":"b","pid":5,"tid":0,"ts":1000.000,"cat":"job","id":1,"name":"ready","args":{"queue":"mail"}},
{"ph":"X","pid":1,"tid":4,"ts":1000000.000,"dur":500000.000,"name":"<Bob>","cat":"job",)"
    R"("args":{"job":2,"queue":"mail","attempt":1,"outcome":"failed","then":"retried"}})";

result<trace_rows> read(const std::string& text) {
  std::istringstream from{text};
  return read_trace(from);
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("a trace is read as rows of those that worked, slots of a consumer side by side") {
  const auto trace = read(names + std::string{spans} + "\n]\n").value();
  REQUIRE(trace.rows.size() == 3);
  CHECK(trace.rows[0].name == "send#2");
  CHECK(trace.rows[1].name == "send#10");
  CHECK(trace.rows[2].name == "offload 1");
  CHECK(trace.rows[2].group == "threads");
  CHECK(trace.seconds == Approx(4));
  CHECK_FALSE(trace.cut_off);
  const auto& work = trace.rows[1].bars.at(0);
  CHECK(work.type == trace_bar::kind::work);
  CHECK(work.begin == Approx(2));
  CHECK(work.length == Approx(2));
  CHECK(work.job == 1);
  CHECK(work.outcome == "ok");
  CHECK(trace.rows[1].bars.at(1).type == trace_bar::kind::wait);
}

TEST_CASE("a trace whose end is missing is read up to its last whole line") {
  const std::string whole = names + std::string{spans};
  for (const std::size_t missing : {1u, 40u, 100u}) {
    const auto trace = read(whole.substr(0, whole.size() - missing)).value();
    CHECK(trace.cut_off);
    CHECK(trace.rows.size() == 2);
    CHECK(contains(trace_table(trace), "the end is missing"));
  }
  CHECK(read(whole).value().rows.size() == 3);
}

TEST_CASE("what is no trace of millraced is refused") {
  for (const std::string text : {"", "{}", "[", "[\n]\n", "hello", "[\n{\"ph\":\n{}\n]\n", "[\n5\n]\n"}) {
    const auto trace = read(text);
    REQUIRE(trace.has_error());
    CHECK(trace.error().text.starts_with("it is no trace of millraced"));
  }
  CHECK(read("[\n{},\n5,\n").error().text == "it is no trace of millraced: line 3 is no event");
}

TEST_CASE("a number that no trace has is refused with its line and its event") {
  const auto with = [](const std::string& numbers) {
    return read("[\n{\"ph\":\"M\"},\n{\"ph\":\"X\",\"name\":\"An\\n\"," + numbers + "}\n]\n");
  };
  CHECK(with(R"("pid":1,"tid":1,"ts":0.000,"dur":0.000)").has_value());
  CHECK(with(R"("pid":1,"tid":1,"ts":0.000,"dur":1e15)").has_value());
  for (const auto& [numbers, key] : {std::pair{R"("ts":0.000,"dur":1e999)", "dur"},
                                     {R"("ts":0.000,"dur":-1.0)", "dur"},
                                     {R"("ts":0.000,"dur":"1")", "dur"},
                                     {R"("ts":1e16,"dur":1.0)", "ts"},
                                     {R"("ts":-1e999,"dur":1.0)", "ts"},
                                     {R"("pid":1e30,"ts":0.000)", "pid"},
                                     {R"("tid":-1,"ts":0.000)", "tid"}}) {
    const auto trace = with(numbers);
    REQUIRE(trace.has_error());
    CHECK(trace.error().text == R"(line 3: the event "An\n" has a `)" + std::string{key} + "` that no trace has");
  }
}

TEST_CASE("a drawing is valid XML, whatever names the trace holds") {
  // Forbidden in XML: control characters, U+FFFE, U+FFFF, bytes that are no UTF-8, encoded surrogates.
  const std::string odd = "\x01\x1b[31m<&\">\xff\xc3(\xed\xa0\x80\xef\xbf\xbe\xef\xbf\xbf-\xc3\xa9\xf0\x9f\x98\x80";
  const std::string replaced = "\xEF\xBF\xBD";
  const std::string shown = "[31m&lt;&amp;&quot;&gt;" + replaced + replaced + "(" + replaced + replaced + replaced +
                            "-\xc3\xa9\xf0\x9f\x98\x80";
  CHECK(svg::escaped(odd) == shown);
  const std::string zero{"a\0b", 3};
  CHECK(svg::escaped(zero) == "ab");
  trace_rows trace{.rows = {{odd, odd, {{.begin = 0, .length = 1, .name = odd, .outcome = odd}}}}, .seconds = 1};
  trace.notes.push_back(odd);
  const auto drawing = trace_chart(trace, odd);
  CHECK(is_utf8(drawing));
  CHECK(contains(drawing, "<title>" + shown + "</title>"));
  CHECK(contains(drawing, ">" + shown + ": 1 s"));
  CHECK(
      std::ranges::none_of(drawing, [](char byte) { return static_cast<unsigned char>(byte) < 0x20 && byte != '\n'; }));
  CHECK_FALSE(contains(drawing, "\xef\xbf\xbe"));
}

TEST_CASE("a commit of the store is no job in the table, but has its time there") {
  const auto table = trace_table(read(names + std::string{spans} + R"(,
{"ph":"M","pid":4,"tid":0,"ts":0.000,"name":"process_name","args":{"name":"store"}},
{"ph":"M","pid":4,"tid":5,"ts":0.000,"name":"thread_name","args":{"name":"writer"}},
{"ph":"X","pid":4,"tid":5,"ts":0.000,"dur":3000.000,"name":"commit","cat":"store","args":{"batch":1}}
]
)")
                                     .value());
  std::istringstream line{table.substr(table.find("writer"))};
  std::string row, jobs, worked;
  line >> row >> jobs >> worked;
  CHECK(row == "writer");
  CHECK(jobs == "0");
  CHECK(worked == "3");
}

TEST_CASE("a table of a trace has the jobs of each row, and how long they took and waited") {
  const auto table = trace_table(read(names + std::string{spans} + "\n]\n").value());
  CHECK(contains(table, "send#10"));
  CHECK(contains(table, "2 s"));
  CHECK(contains(table, "1 s"));
  CHECK(contains(table, "500 ms"));
  CHECK_FALSE(contains(table, "letters"));
}

TEST_CASE("a drawing of a trace has a lane for each row and a bar for each job") {
  auto trace = read(names + std::string{spans} + "\n]\n").value();
  trace.notes.emplace_back("the trace is full");
  const auto drawing = trace_chart(trace, "quick & <easy>");
  CHECK(contains(drawing, "quick &amp; &lt;easy&gt;"));
  CHECK(contains(drawing, ">send#2</text>"));
  CHECK(contains(drawing, "class=\"work\"><title>Ann: 2 s, from 2 s, ok</title>"));
  CHECK(contains(drawing, "class=\"bad\"><title>&lt;Bob&gt;: 500 ms, from 1 s, failed</title>"));
  CHECK(contains(drawing, "class=\"offload\"><title>Ann: 800 ms"));
  CHECK(contains(drawing, "class=\"wait\"><title>an offload worker: 1 s"));
  CHECK(contains(drawing, "(the trace is full)"));
  CHECK(drawing.ends_with("</svg>\n"));
}

TEST_CASE("a drawing stays small, however many rows and jobs a trace has") {
  trace_rows trace{.rows = {}, .seconds = 100};
  for (std::size_t n = 0; n < drawn_rows_max + 5; ++n) {
    trace_row row{"tasks", "send#" + std::to_string(n), {}};
    for (int job = 0; job < 20'000; ++job) row.bars.push_back({.begin = job * 0.005, .length = 0.004, .name = "x"});
    trace.rows.push_back(std::move(row));
  }
  const auto drawing = trace_chart(trace, "many");
  CHECK(contains(drawing, "and 5 more"));
  CHECK(drawing.size() < 8'000'000);
}

}  // namespace
}  // namespace millrace::tools
