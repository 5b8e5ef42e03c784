// Every file of the corpus is read as its neighbour `.expected` says, and every valid one survives being printed.
// With MILLRACE_WRITE_EXPECTED set, the tests write what they would compare: look at the difference before keeping it.

#include <cstdlib>
#include <fstream>

#include "settings/print.hpp"
#include "settings/schema.hpp"
#include "support/catch.hpp"
#include "words.hpp"

using namespace millrace;
using namespace millrace::settings;

namespace {

const std::filesystem::path corpus{"tests/settings/corpus"};

void compare(const std::filesystem::path& kept, const std::string& now) {
  CAPTURE(kept);
  if (std::getenv("MILLRACE_WRITE_EXPECTED") == nullptr) {
    CHECK(now == read_text(kept));
  } else if (!now.empty()) {
    std::ofstream{kept, std::ios::binary} << now;
  }
}

std::filesystem::path expected_of(std::filesystem::path file) { return file.replace_extension(".expected"); }

void check_round_trip(const std::filesystem::path& file) {
  CAPTURE(file);
  const loaded first = load_file(file, built_in());
  REQUIRE(first.value);
  const std::string printed = print(*first.value);
  const loaded second = load_text(printed, "printed", built_in());
  CAPTURE(printed, text_of(second.complaints));
  REQUIRE(second.value);
  CHECK(print(*second.value) == printed);
}

/// Every key that is written behind a `#` without a blank, freed of it.
std::string freed(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool free = text[at] == '#' && at + 1 < text.size() && text[at + 1] != ' ' && text[at + 1] != '\n' &&
                      text.find_last_not_of(' ', at - 1) != std::string::npos &&
                      text[text.find_last_not_of(' ', at - 1)] == '\n';
    if (!free) out += text[at];
  }
  return out;
}

}  // namespace

TEST_CASE("each invalid file gets all its complaints at once, each in its place") {
  const auto files = files_in(corpus / "invalid", ".yaml");
  REQUIRE(files.size() >= 30);
  for (const auto& file : files) {
    CAPTURE(file);
    const loaded read = load_file(file, built_in());
    CHECK_FALSE(read.value);
    CHECK_FALSE(read.complaints.empty());
    compare(expected_of(file), text_of(read.complaints));
  }
}

TEST_CASE("each valid file is read, with warnings only where they are expected") {
  const auto files = files_in(corpus / "valid", ".yaml");
  REQUIRE(files.size() >= 15);
  for (const auto& file : files) {
    CAPTURE(file);
    const loaded read = load_file(file, built_in());
    CHECK(read.value);
    compare(expected_of(file), text_of(read.complaints));
  }
}

TEST_CASE("settings that are printed with every default are read back as the same") {
  for (const auto& file : files_in(corpus / "valid", ".yaml")) check_round_trip(file);
  for (const auto& file : files_in("config", ".yaml")) check_round_trip(file);
}

TEST_CASE("the files that editors and people read are those that the declarations give") {
  compare("config/millrace.yaml", print_example(built_in()));
  compare("config/millrace.schema.json", schema(built_in()));
}

TEST_CASE("every key of the commented example can be freed") {
  const std::string text = freed(print_example(built_in()));
  const loaded read = load_text(text, "freed", built_in());
  CAPTURE(text);
  CAPTURE(text_of(read.complaints));
  REQUIRE(read.value);
  CHECK(read.value->producers.size() == built_in().sources.names().size());
  CHECK(read.value->consumers.size() == built_in().handlers.names().size());
}
