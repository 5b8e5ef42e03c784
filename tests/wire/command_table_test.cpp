#include "wire/beanstalk_command_table.hpp"

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "wire/beanstalk_arguments.hpp"

using namespace millrace;

namespace {

/// Writes the arguments as the documentation names them.
struct argument_names {
  std::string text;

  bool job(std::uint64_t) { return add("id"); }
  bool priority(std::uint32_t) { return add("pri"); }
  bool delay(std::uint32_t) { return add("delay"); }
  bool ttr(std::uint32_t) { return add("ttr"); }
  bool timeout(std::uint32_t) { return add("seconds"); }
  bool bound(std::uint32_t) { return add("bound"); }
  bool body_bytes(std::uint32_t) { return add("bytes"); }
  bool tube(std::string_view) { return add("tube"); }
  bool last_tube(std::string_view) { return add("tube"); }

 private:
  bool add(std::string_view name) {
    text.append(" <").append(name).append(">");
    return true;
  }
};

std::string documented(const wire::beanstalk_command_row& row) {
  const wire::beanstalk_command command{.verb = row.verb};
  argument_names arguments;
  visit_arguments(row.arguments, command, arguments);
  const auto yes = [](bool value) { return value ? std::string{"yes"} : std::string{"–"}; };
  const std::string counter = row.counter.empty() ? "–" : "`" + std::string{row.counter} + "`";
  const std::string cost = std::to_string(row.cost) + (row.cost_per_count ? " + bound" : "");
  return "| `" + std::string{row.word} + arguments.text + "` | " + yes(row.may_block) + " | " + yes(row.changes) +
         " | " + cost + " | " + counter + " |";
}

/// The rows of the table between the two marks in PROTOCOL.md.
std::vector<std::string> table_in_protocol() {
  std::ifstream file{"daemon/wire/PROTOCOL.md"};
  REQUIRE(file);
  std::vector<std::string> rows;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.find("<!-- end of the command table -->") != std::string::npos) inside = false;
    if (inside && line.starts_with("| `")) rows.push_back(line);
    if (line.find("<!-- command table -->") != std::string::npos) inside = true;
  }
  return rows;
}

}  // namespace

TEST_CASE("PROTOCOL.md lists every command as the command table has it") {
  std::vector<std::string> expected;
  expected.reserve(wire::beanstalk_commands.size());
  for (const auto& row : wire::beanstalk_commands) expected.push_back(documented(row));
  CHECK(table_in_protocol() == expected);
}

TEST_CASE("no two commands have the same word or the same counter in stats") {
  std::set<std::string_view> words, counters;
  for (const auto& row : wire::beanstalk_commands) {
    CHECK(words.insert(row.word).second);
    if (!row.counter.empty()) CHECK(counters.insert(row.counter).second);
  }
}

TEST_CASE("a counter in stats is named after the word of its command") {
  for (const auto& row : wire::beanstalk_commands) {
    INFO(row.word);
    CHECK((row.counter.empty() || row.counter == "cmd-" + std::string{row.word}));
  }
}
