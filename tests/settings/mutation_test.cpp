// Files of the corpus are changed at random. Reading them must end without an error of the sanitizers (preset asan),
// and accepted settings are printed and read back.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "settings/print.hpp"
#include "settings_support.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::settings;

namespace {

constexpr int rounds = 4'000;

class mutations {
 public:
  mutations(std::uint64_t seed, std::vector<std::string> texts) : random_{seed}, texts_{std::move(texts)} {}

  std::string next() {
    std::string text = any(texts_);
    for (std::size_t times = 1 + below(4); times > 0; --times) change(text);
    return text;
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : static_cast<std::size_t>(random_() % limit); }
  template <class T>
  const T& any(const std::vector<T>& from) {
    return from[below(from.size())];
  }

  void change(std::string& text) {
    static const std::vector<std::string> words{
        ": ",      "- ",        "[",     "]",         "{",      "}",
        "\n",      "\n  ",      "#",     "&a ",       "*a",     "!!str ",
        "<<: ",    "? ",        "|\n",   ">-\n",      "\"",     "'",
        "\\",      "~",         "---\n", "...",       "%YAML ", "\xff",
        "\t",      "\x04",      "0",     "-1",        "1e99",   "99999999999999999999",
        "null",    "true",      "queue", "handler: ", "kind: ", "\xc3\xa4",
        "\\u0000", "\"\\xff\"", ", ",    "{}"};
    const std::size_t at = below(text.size() + 1);
    const std::size_t length = std::min(below(12), text.size() - at);
    switch (below(6)) {
      case 0:
        text.insert(at, any(words));
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.replace(at, length, any(words));
        break;
      case 3:
        if (at < text.size()) text[at] = static_cast<char>(random_());
        break;
      case 4:
        text.insert(at, text.substr(below(text.size()), below(200)));
        break;
      default: {
        const std::string& other = any(texts_);
        text = text.substr(0, at) + other.substr(below(other.size()));
      }
    }
  }

  std::mt19937_64 random_;
  std::vector<std::string> texts_;
};

}  // namespace

TEST_CASE("randomly changed files are read safely, and accepted ones are printed and read back") {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the environment never changes
  const char* given = std::getenv("MILLRACE_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 17;
  std::printf("seed %llu (set MILLRACE_SEED for another)\n", static_cast<unsigned long long>(seed));

  std::vector<std::string> texts;
  for (const char* folder :
       {"tests/settings/corpus/valid", "tests/settings/corpus/valid", "tests/settings/corpus/invalid", "config"}) {
    for (const auto& file : files_in(folder, ".yaml")) texts.push_back(read_text(file));
  }
  mutations source{seed, texts};
  int accepted = 0;
  for (int round = 0; round < rounds; ++round) {
    const std::string text = source.next();
    CAPTURE(seed, round, text);
    const loaded read = load_text(text, "f", builtin_vocabulary());
    const bool has_error = std::any_of(read.diagnostics.begin(), read.diagnostics.end(), [](const diagnostic& found) {
      return found.level == diagnostic::severity::error;
    });
    REQUIRE(read.value.has_value() != has_error);
    for (const diagnostic& found : read.diagnostics) REQUIRE(found.text().find('\n') == std::string::npos);
    if (!read.value) continue;
    ++accepted;
    const std::string printed = print(*read.value);
    CAPTURE(printed);
    const loaded again = load_text(printed, "f", builtin_vocabulary());
    CAPTURE(text_of(again.diagnostics));
    REQUIRE(again.value);
    REQUIRE(print(*again.value) == printed);
  }
  // Neither all nor none: the changes reach past the parser.
  CHECK(accepted > rounds / 40);
  CHECK(accepted < rounds);
}
