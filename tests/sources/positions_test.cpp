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
/// A new source of the same settings, as after each start.
using maker = std::function<result<std::unique_ptr<source>>(const surroundings&)>;

/// What one life of a program saw of its source.
struct life {
  texts bodies;
  position reached;
};

loop::awaitable<> live(std::unique_ptr<source> from, const position* start, std::size_t most, life& out) {
  if (!from->track_position()) co_return out.bodies.push_back("no position");
  if (start != nullptr) {
    const auto resumed = co_await from->resume(*start);
    if (!resumed) co_return out.bodies.push_back("error: " + resumed.error().text);
    if (*resumed == resumption::from_start) out.bodies.push_back("from start");
  }
  out.reached = start != nullptr ? *start : position{};
  for (std::size_t taken = 0; taken < most;) {
    const next_body next = from->next(instant{});
    if (std::holds_alternative<nothing_yet>(next)) {
      co_await from->more();
      continue;
    }
    if (std::holds_alternative<no_more>(next)) co_return out.bodies.push_back("no more");
    if (const auto* content = std::get_if<body>(&next)) {
      out.bodies.emplace_back(content->view());
      out.reached = from->reached();
      ++taken;
    } else {
      out.bodies.push_back("error");
    }
  }
}

life lived(const maker& make, const position* start, std::size_t most = 1'000) {
  loop::event_loop loop;
  auto made = make({loop});
  REQUIRE(made.has_value());
  life out;
  loop::task_scope scope{loop};
  scope.spawn("life", live(std::move(*made), start, most, out));
  loop.run();
  return out;
}

/// All bodies when the program dies after each so many.
texts in_lives_of(std::size_t bodies, const maker& make, std::size_t lives) {
  texts all;
  position reached;
  for (std::size_t n = 0; n < lives; ++n) {
    const auto one = lived(make, n == 0 ? nullptr : &reached, bodies);
    all.insert(all.end(), one.bodies.begin(), one.bodies.end());
    reached = one.reached;
    if (!all.empty() && all.back() == "no more") break;
  }
  return all;
}

struct folder {
  folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "millrace-positions-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    file = pattern + "/lines.txt";
  }
  ~folder() { std::filesystem::remove_all(std::filesystem::path{file}.parent_path()); }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  void write(const std::string& content) const { std::ofstream{file, std::ios::binary} << content; }

  std::string file;
};

maker lines_of(const folder& in, lines_options options = {}) {
  options.file = in.file;
  return [options](const surroundings& where) { return lines::make(options, where); };
}

}  // namespace

TEST_CASE("lines go on behind the last one, wherever the program ended", "[positions]") {
  folder in;
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
  in.write(content);
  lines_options options;
  options.comment = "#";
  options.line_bytes_max = 20;
  const std::size_t at_once = GENERATE(1u, 2u, 7u, 1'000u);
  auto all = in_lives_of(at_once, lines_of(in, options), 100);
  std::erase(all, "error");
  expected.push_back("no more");
  CHECK(all == expected);
}

TEST_CASE("lines that were added since are read, and a last line that got its end is not read again", "[positions]") {
  const std::string end = GENERATE("\n", "\r\n");
  folder in;
  in.write("one\ntwo");
  const auto first = lived(lines_of(in), nullptr);
  CHECK(first.bodies == texts{"one", "two", "no more"});
  CHECK(lived(lines_of(in), &first.reached).bodies == texts{"no more"});
  in.write("one\ntwo" + end);
  CHECK(lived(lines_of(in), &first.reached).bodies == texts{"no more"});
  in.write("one\ntwo" + end + "three\n");
  CHECK(lived(lines_of(in), &first.reached).bodies == texts{"three", "no more"});
}

TEST_CASE("a file that was changed before the position is not read on", "[positions]") {
  folder in;
  in.write("one\ntwo\nthree\n");
  const auto first = lived(lines_of(in), nullptr, 2);
  CHECK(first.bodies == texts{"one", "two"});
  const auto [content, difference] = GENERATE(table<const char*, const char*>({
      {"one\ntwO\nthree\n", " is not what it was"},
      {"one\ntw", " is shorter than it was"},
      {"", " is shorter than it was"},
      {"zero\none\ntwo\nthree\n", " is not what it was"},
  }));
  in.write(content);
  CHECK(lived(lines_of(in), &first.reached).bodies ==
        texts{"error: " + in.file + difference + ": the position that was stored is 8 bytes"});
  in.write("one\ntwo\n3\n4\n");
  CHECK(lived(lines_of(in), &first.reached).bodies == texts{"3", "4", "no more"});
}

TEST_CASE("a last line without an end that became longer was changed", "[positions]") {
  folder in;
  in.write("one\ntwo");
  const auto first = lived(lines_of(in), nullptr);
  in.write("one\ntwofold\n");
  CHECK(lived(lines_of(in), &first.reached).bodies ==
        texts{"error: " + in.file + " has a longer last line than it had: the position that was stored is 7 bytes"});
}

TEST_CASE("a followed file that is another one after the restart was rotated and is read from its beginning",
          "[positions]") {
  folder in;
  in.write("one\ntwo\nthree\n");
  lines_options options;
  options.follow = true;
  const auto first = lived(lines_of(in, options), nullptr, 2);
  CHECK(lived(lines_of(in, options), &first.reached, 1).bodies == texts{"three"});
  in.write("a\nb\n");
  const auto second = lived(lines_of(in, options), &first.reached, 2);
  CHECK(second.bodies == texts{"from start", "a", "b"});
  in.write("a\nb\nc\n");
  CHECK(lived(lines_of(in, options), &second.reached, 1).bodies == texts{"c"});
}

TEST_CASE("a long part of a file is compared in pieces", "[positions]") {
  folder in;
  std::string content;
  const std::string line = std::string(60'000, 'x') + "\n";
  for (int n = 0; n < 300; ++n) content += line;
  in.write(content + "rest\n");
  const auto first = lived(lines_of(in), nullptr, 300);
  CHECK(first.reached.place == content.size());
  CHECK(lived(lines_of(in), &first.reached).bodies == texts{"rest", "no more"});
}

TEST_CASE("standard input has no position, and neither has an interval", "[positions]") {
  loop::event_loop loop;
  lines_options options;
  options.file = "-";
  CHECK_FALSE((*lines::make(options, {loop}))->track_position());
  CHECK_FALSE((*sources::interval::make({}, {loop}))->track_position());
}

TEST_CASE("a list goes on as long as the items that were put are the same", "[positions]") {
  const auto of = [](texts items) -> maker {
    return [items](const surroundings& where) { return sources::list::make({items}, where); };
  };
  CHECK(in_lives_of(2, of({"a", "", "b", "b", "c"}), 9) == texts{"a", "", "b", "b", "c", "no more"});
  const auto first = lived(of({"ab", "c", "d"}), nullptr, 2);
  CHECK(lived(of({"ab", "c", "e", "f"}), &first.reached).bodies == texts{"e", "f", "no more"});
  CHECK(lived(of({"a", "bc", "d"}), &first.reached).bodies ==
        texts{"error: the first 2 items, which were put before the restart, were changed"});
  CHECK(lived(of({"ab"}), &first.reached).bodies ==
        texts{"error: there are 1 items, but 2 were put before the restart"});
}

TEST_CASE("a range goes on as long as it has the same beginning and step", "[positions]") {
  const auto of = [](std::string from, std::string to, std::string step) -> maker {
    return [=](const surroundings& where) { return sources::range::make({from, to, step}, where); };
  };
  CHECK(in_lives_of(2, of("1", "5", "1"), 9) == texts{"1", "2", "3", "4", "5", "no more"});
  CHECK(in_lives_of(1, of("18446744073709551614", "18446744073709551615", "1"), 9) ==
        texts{"18446744073709551614", "18446744073709551615", "no more"});
  const auto first = lived(of("10", "1", "-3"), nullptr, 2);
  CHECK(lived(of("10", "-2", "-3"), &first.reached).bodies == texts{"4", "1", "-2", "no more"});
  CHECK(lived(of("10", "9", "-3"), &first.reached).bodies == texts{"no more"});
  const texts refused{"error: `from` or `step` was changed after 2 numbers were put"};
  CHECK(lived(of("10", "1", "-2"), &first.reached).bodies == refused);
  CHECK(lived(of("11", "1", "-3"), &first.reached).bodies == refused);
}

TEST_CASE("random numbers go on as long as seed and length are the same", "[positions]") {
  const auto of = [](std::uint32_t bits, std::uint64_t seed) -> maker {
    return [=](const surroundings& where) { return sources::random::make({bits, seed}, where); };
  };
  const std::uint32_t bits = GENERATE(8u, 64u, 200u);
  const auto whole = lived(of(bits, 3), nullptr, 20);
  CHECK(in_lives_of(5, of(bits, 3), 4) == whole.bodies);
  const texts refused{"error: `bits` or `seed` was changed after 20 numbers were put"};
  CHECK(lived(of(bits, 4), &whole.reached).bodies == refused);
  CHECK(lived(of(bits + 1, 3), &whole.reached).bodies == refused);
}
