// The diagnostics of each file of the corpus are those in its `.expected` file. Each valid file is also printed and
// read back. With MILLRACE_WRITE_EXPECTED set, the tests write the `.expected` files: read the difference before you
// keep it.

#include <cstdlib>
#include <fstream>

#include "settings/print.hpp"
#include "settings/schema.hpp"
#include "settings_support.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::settings;

namespace {

const std::filesystem::path corpus{"tests/settings/corpus"};

void compare(const std::filesystem::path& expected, const std::string& actual) {
  CAPTURE(expected);
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the environment never changes
  if (std::getenv("MILLRACE_WRITE_EXPECTED") == nullptr) {
    CHECK(actual == read_text(expected));
  } else if (!actual.empty()) {
    std::ofstream{expected, std::ios::binary} << actual;
  }
}

std::filesystem::path expected_of(std::filesystem::path file) { return file.replace_extension(".expected"); }

void check_round_trip(const std::filesystem::path& file) {
  CAPTURE(file);
  const loaded first = load_file(file, builtin_vocabulary());
  REQUIRE(first.value);
  const std::string printed = print(*first.value);
  const loaded second = load_text(printed, "printed", builtin_vocabulary());
  CAPTURE(printed, text_of(second.diagnostics));
  REQUIRE(second.value);
  CHECK(print(*second.value) == printed);
}

/// Activates all commented keys: removes each `#` at the beginning of a line that no space follows.
std::string uncomment(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool is_commented = text[at] == '#' && at + 1 < text.size() && text[at + 1] != ' ' && text[at + 1] != '\n' &&
                              text.find_last_not_of(' ', at - 1) != std::string::npos &&
                              text[text.find_last_not_of(' ', at - 1)] == '\n';
    if (!is_commented) out += text[at];
  }
  return out;
}

}  // namespace

TEST_CASE("each invalid file gets all its diagnostics at once, with their positions") {
  const auto files = files_in(corpus / "invalid", ".yaml");
  REQUIRE(files.size() >= 30);
  for (const auto& file : files) {
    CAPTURE(file);
    const loaded read = load_file(file, builtin_vocabulary());
    CHECK_FALSE(read.value);
    CHECK_FALSE(read.diagnostics.empty());
    compare(expected_of(file), text_of(read.diagnostics));
  }
}

TEST_CASE("each valid file is read, with the expected warnings only") {
  const auto files = files_in(corpus / "valid", ".yaml");
  REQUIRE(files.size() >= 15);
  for (const auto& file : files) {
    CAPTURE(file);
    const loaded read = load_file(file, builtin_vocabulary());
    CHECK(read.value);
    compare(expected_of(file), text_of(read.diagnostics));
  }
}

TEST_CASE("printed settings are read back as the same settings") {
  for (const auto& file : files_in(corpus / "valid", ".yaml")) check_round_trip(file);
  for (const auto& file : files_in("config", ".yaml")) check_round_trip(file);
}

TEST_CASE("the example and the schema in config/ are up to date") {
  compare("config/millrace.yaml", print_example(builtin_vocabulary()));
  compare("config/millrace.schema.json", schema(builtin_vocabulary()));
}

TEST_CASE("the example is valid with all its commented keys") {
  const std::string text = uncomment(print_example(builtin_vocabulary()));
  const loaded read = load_text(text, "uncommented", builtin_vocabulary());
  CAPTURE(text);
  CAPTURE(text_of(read.diagnostics));
  REQUIRE(read.value);
  CHECK(read.value->producers.size() == builtin_vocabulary().sources.names().size());
  // One for each handler, and one with steps.
  CHECK(read.value->consumers.size() == builtin_vocabulary().handlers.names().size() + 1);
}
