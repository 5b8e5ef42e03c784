// Sources that go on where they stood before a restart.
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <millrace/loop/event_loop.hpp>

#include "loop/task_scope.hpp"
#include "sources/interval.hpp"
#include "sources/lines.hpp"
#include "sources/list.hpp"
#include "sources/random.hpp"
#include "sources/range.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::sources;

namespace {

using texts = std::vector<std::string>;
/// Makes a new source with the same settings, as at each start.
using maker = std::function<result<std::unique_ptr<source>>(const source_context&)>;

/// The bodies that one run of a program read from its source.
struct run_record {
  texts bodies;
  position reached;
};

loop::awaitable<> read_source(std::unique_ptr<source> input, const position* start, std::size_t most, run_record& out) {
  if (!input->track_position()) co_return out.bodies.push_back("no position");
  if (start != nullptr) {
    const auto resumed = co_await input->resume(*start);
    if (!resumed) co_return out.bodies.push_back("error: " + resumed.error().text);
    if (*resumed == resumption::from_start) out.bodies.push_back("from start");
  }
  out.reached = start != nullptr ? *start : position{};
  for (std::size_t taken = 0; taken < most;) {
    const next_body next = input->next(instant{});
    if (std::holds_alternative<nothing_yet>(next)) {
      co_await input->more();
      continue;
    }
    if (std::holds_alternative<no_more>(next)) co_return out.bodies.push_back("no more");
    if (const auto* content = std::get_if<body>(&next)) {
      out.bodies.emplace_back(content->view());
      out.reached = input->reached();
      ++taken;
    } else {
      out.bodies.push_back("error");
    }
  }
}

run_record run_once(const maker& make, const position* start, std::size_t most = 1'000) {
  loop::event_loop loop;
  auto made = make({loop});
  REQUIRE(made.has_value());
  run_record out;
  loop::task_scope scope{loop};
  scope.spawn("source", read_source(std::move(*made), start, most, out));
  loop.run();
  return out;
}

/// All bodies, if the program restarts after each `most` of them.
texts run_with_restarts(std::size_t bodies, const maker& make, std::size_t runs) {
  texts all;
  position reached;
  for (std::size_t n = 0; n < runs; ++n) {
    const auto one = run_once(make, n == 0 ? nullptr : &reached, bodies);
    all.insert(all.end(), one.bodies.begin(), one.bodies.end());
    reached = one.reached;
    if (!all.empty() && all.back() == "no more") break;
  }
  return all;
}

struct temporary_folder {
  temporary_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "millrace-positions-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    file = pattern + "/lines.txt";
  }
  ~temporary_folder() { std::filesystem::remove_all(std::filesystem::path{file}.parent_path()); }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  void write(const std::string& content) const { std::ofstream{file, std::ios::binary} << content; }

  std::string file;
};

maker lines_of(const temporary_folder& folder, lines_options options = {}) {
  options.file = folder.file;
  return [options](const source_context& context) { return lines::make(options, context); };
}

}  // namespace

TEST_CASE("lines continue after the last one, wherever the program ended", "[positions]") {
  temporary_folder folder;
  std::string content = GENERATE(std::string{}, std::string{"\xEF\xBB\xBF"});  // a byte order mark
  texts expected;
  for (int n = 0; n < 40; ++n) {
    content += "# skipped\n" + std::string(static_cast<std::size_t>(n % 7), 'x') + std::to_string(n) +
               (n % 3 == 0 ? "\r\n" : "\n");
    if (n % 5 == 0) content += "\n" + std::string(100, 'y') + "\n";  // an empty line, and one too long
    expected.push_back(std::string(static_cast<std::size_t>(n % 7), 'x') + std::to_string(n));
  }
  content += "the last";
  expected.push_back("the last");
  folder.write(content);
  lines_options options;
  options.comment = "#";
  options.line_bytes_max = 20;
  const std::size_t at_once = GENERATE(1u, 2u, 7u, 1'000u);
  auto all = run_with_restarts(at_once, lines_of(folder, options), 100);
  std::erase(all, "error");
  expected.push_back("no more");
  CHECK(all == expected);
}

TEST_CASE("added lines are read, and a last line that got its line end is not read again", "[positions]") {
  const std::string end = GENERATE("\n", "\r\n");
  temporary_folder folder;
  folder.write("one\ntwo");
  const auto first = run_once(lines_of(folder), nullptr);
  CHECK(first.bodies == texts{"one", "two", "no more"});
  CHECK(run_once(lines_of(folder), &first.reached).bodies == texts{"no more"});
  folder.write("one\ntwo" + end);
  CHECK(run_once(lines_of(folder), &first.reached).bodies == texts{"no more"});
  folder.write("one\ntwo" + end + "three\n");
  CHECK(run_once(lines_of(folder), &first.reached).bodies == texts{"three", "no more"});
}

TEST_CASE("a file that was changed before the position is refused", "[positions]") {
  temporary_folder folder;
  folder.write("one\ntwo\nthree\n");
  const auto first = run_once(lines_of(folder), nullptr, 2);
  CHECK(first.bodies == texts{"one", "two"});
  const auto [content, difference] = GENERATE(table<const char*, const char*>({
      {"one\ntwO\nthree\n", " has changed"},
      {"one\ntw", " is shorter than it was"},
      {"", " is shorter than it was"},
      {"zero\none\ntwo\nthree\n", " has changed"},
  }));
  folder.write(content);
  CHECK(run_once(lines_of(folder), &first.reached).bodies ==
        texts{"error: " + folder.file + difference + ": the stored position is 8 bytes"});
  folder.write("one\ntwo\n3\n4\n");
  CHECK(run_once(lines_of(folder), &first.reached).bodies == texts{"3", "4", "no more"});
}

TEST_CASE("a last line that became longer is a change", "[positions]") {
  temporary_folder folder;
  folder.write("one\ntwo");
  const auto first = run_once(lines_of(folder), nullptr);
  folder.write("one\ntwofold\n");
  CHECK(run_once(lines_of(folder), &first.reached).bodies ==
        texts{"error: " + folder.file + " has a longer last line than it had: the stored position is 7 bytes"});
}

TEST_CASE("a followed file that is different after a restart is read from its beginning", "[positions]") {
  temporary_folder folder;
  folder.write("one\ntwo\nthree\n");
  lines_options options;
  options.follow = true;
  const auto first = run_once(lines_of(folder, options), nullptr, 2);
  CHECK(run_once(lines_of(folder, options), &first.reached, 1).bodies == texts{"three"});
  folder.write("a\nb\n");
  const auto second = run_once(lines_of(folder, options), &first.reached, 2);
  CHECK(second.bodies == texts{"from start", "a", "b"});
  folder.write("a\nb\nc\n");
  CHECK(run_once(lines_of(folder, options), &second.reached, 1).bodies == texts{"c"});
}

TEST_CASE("a long part of a file is compared in slices", "[positions]") {
  temporary_folder folder;
  std::string content;
  const std::string line = std::string(60'000, 'x') + "\n";
  for (int n = 0; n < 300; ++n) content += line;
  folder.write(content + "rest\n");
  const auto first = run_once(lines_of(folder), nullptr, 300);
  CHECK(first.reached.place == content.size());
  CHECK(run_once(lines_of(folder), &first.reached).bodies == texts{"rest", "no more"});
}

TEST_CASE("standard input and intervals have no position", "[positions]") {
  loop::event_loop loop;
  lines_options options;
  options.file = "-";
  CHECK_FALSE((*lines::make(options, {loop}))->track_position());
  CHECK_FALSE((*sources::interval::make({}, {loop}))->track_position());
}

TEST_CASE("a list continues if the items that were put are the same", "[positions]") {
  const auto of = [](const texts& items) -> maker {
    return [items](const source_context& context) { return sources::list::make({items}, context); };
  };
  CHECK(run_with_restarts(2, of({"a", "", "b", "b", "c"}), 9) == texts{"a", "", "b", "b", "c", "no more"});
  const auto first = run_once(of({"ab", "c", "d"}), nullptr, 2);
  CHECK(run_once(of({"ab", "c", "e", "f"}), &first.reached).bodies == texts{"e", "f", "no more"});
  CHECK(run_once(of({"a", "bc", "d"}), &first.reached).bodies ==
        texts{"error: the first 2 items, which were put before the restart, were changed"});
  CHECK(run_once(of({"ab"}), &first.reached).bodies ==
        texts{"error: there are 1 items, but 2 were put before the restart"});
}

TEST_CASE("a range continues if its first number and step are the same", "[positions]") {
  const auto of = [](const std::string& from, const std::string& to, const std::string& step) -> maker {
    return [=](const source_context& context) { return sources::range::make({from, to, step}, context); };
  };
  CHECK(run_with_restarts(2, of("1", "5", "1"), 9) == texts{"1", "2", "3", "4", "5", "no more"});
  CHECK(run_with_restarts(1, of("18446744073709551614", "18446744073709551615", "1"), 9) ==
        texts{"18446744073709551614", "18446744073709551615", "no more"});
  const auto first = run_once(of("10", "1", "-3"), nullptr, 2);
  CHECK(run_once(of("10", "-2", "-3"), &first.reached).bodies == texts{"4", "1", "-2", "no more"});
  CHECK(run_once(of("10", "9", "-3"), &first.reached).bodies == texts{"no more"});
  const texts refused{"error: `from` or `step` was changed after 2 numbers were put"};
  CHECK(run_once(of("10", "1", "-2"), &first.reached).bodies == refused);
  CHECK(run_once(of("11", "1", "-3"), &first.reached).bodies == refused);
}

TEST_CASE("random numbers continue if seed and length are the same", "[positions]") {
  const auto of = [](std::uint32_t bits, std::uint64_t seed) -> maker {
    return [=](const source_context& context) { return sources::random::make({bits, seed}, context); };
  };
  const std::uint32_t bits = GENERATE(8u, 64u, 200u);
  const auto whole = run_once(of(bits, 3), nullptr, 20);
  CHECK(run_with_restarts(5, of(bits, 3), 4) == whole.bodies);
  const texts refused{"error: `bits` or `seed` was changed after 20 numbers were put"};
  CHECK(run_once(of(bits, 4), &whole.reached).bodies == refused);
  CHECK(run_once(of(bits + 1, 3), &whole.reached).bodies == refused);
}
