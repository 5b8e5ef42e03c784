#include "base/command_line.hpp"

#include <CLI/CLI.hpp>

#include "support/catch.hpp"

using namespace millrace;

namespace {

/// A program with an option and a flag.
struct program {
  program() {
    app.add_option("--port", port, "where it listens");
    app.add_flag("--quiet", quiet, "print nothing");
  }
  std::optional<command_line_end> parse(const std::vector<std::string>& words) {
    return parse_command_line(app, words, "files are given with --file");
  }
  std::string refusal(const std::vector<std::string>& words) {
    const auto end = parse(words);
    REQUIRE(end.has_value());
    CHECK(end->cause == command_line_end::reason::refusal);
    return end->text;
  }

  CLI::App app{"tool: does something", "tool"};
  std::string port;
  bool quiet{false};
};

}  // namespace

TEST_CASE("words that are understood end nothing") {
  program tool;
  CHECK_FALSE(tool.parse({"--port", "7", "--quiet"}).has_value());
  CHECK(tool.port == "7");
  CHECK(tool.quiet);
}

TEST_CASE("help is the text of the program") {
  const auto end = program{}.parse({"--help"});
  REQUIRE(end.has_value());
  CHECK(end->cause == command_line_end::reason::help);
  CHECK(end->text.starts_with("tool: does something"));
  CHECK(end->text.find("where it listens") != std::string::npos);
}

TEST_CASE("a refusal says what is wrong, what was probably meant, and where help is") {
  CHECK(program{}.refusal({"--prot=7"}) ==
        "tool: unknown option --prot=7, did you mean --port?\ntool --help shows what can be given.\n");
  CHECK(program{}.refusal({"--colour"}).starts_with("tool: unknown option --colour\n"));
  CHECK(program{}.refusal({"a.txt"}).starts_with("tool: 'a.txt' is not understood (files are given with --file)\n"));
  CHECK(program{}.refusal({"--port"}).starts_with("tool: --port"));
}

TEST_CASE("the list of options has their names, values and meanings, from the same table as the help") {
  program tool;
  std::string file;
  std::string path;
  tool.app.add_option("-f,--file", file, "what is read")->type_name("FILE");
  tool.app.add_option("DIR", path, "where it is kept")->required();
  const auto end = tool.parse({"--list-options"});
  REQUIRE(end.has_value());
  CHECK(end->cause == command_line_end::reason::help);
  CHECK(end->text ==
        "-h - Print this help message and exit\n"
        "--help - Print this help message and exit\n"
        "--port TEXT where it listens\n"
        "--quiet - print nothing\n"
        "-f FILE what is read\n"
        "--file FILE what is read\n"
        "- DIR where it is kept\n");
}

TEST_CASE("the list of options is not asked for beside other words") {
  CHECK(program{}.refusal({"--list-options", "--quiet"}).starts_with("tool: unknown option --list-options"));
}
