#include "settings/diagnostic.hpp"

#include "settings/diagnostic_list.hpp"
#include "support/catch.hpp"

using namespace millrace::settings;

TEST_CASE("the text of a diagnostic has file, position, key, problem and expectation") {
  diagnostic found{diagnostic::severity::error, "a.yaml", 3, 7, "queues.a", "a problem", "a solution"};
  CHECK(found.text() == "a.yaml:3:7: queues.a: a problem (expected a solution)");
  found.expected.clear();
  CHECK(found.text() == "a.yaml:3:7: queues.a: a problem");
  found.line = 0;
  found.key.clear();
  found.level = diagnostic::severity::warning;
  CHECK(found.text() == "a.yaml: warning: a problem");
}

TEST_CASE("diagnostics are in the order of the file") {
  diagnostic_list list{"f"};
  list.error({5, 1}, "c", "third");
  list.error({2, 9}, "b", "second");
  list.warning({2, 3}, "a", "first");
  const auto all = list.take();
  REQUIRE(all.size() == 3);
  CHECK(all[0].problem == "first");
  CHECK(all[1].problem == "second");
  CHECK(all[2].problem == "third");
}

TEST_CASE("diagnostics are limited in number and length, and are one line each") {
  diagnostic_list list{"f"};
  const std::string long_text(1'000'000, 'x');
  for (int n = 0; n < 1'000; ++n) list.error({n + 1, 1}, long_text, "two\nlines " + long_text, long_text);
  CHECK(list.full());
  const auto all = list.take();
  REQUIRE(all.size() == diagnostic_list::diagnostics_max + 1);
  CHECK(all.front().text().size() < 2'000);
  CHECK(all.front().text().find('\n') == std::string::npos);
  CHECK(all.back().problem == "and 800 more");
  CHECK(all.back().level == diagnostic::severity::error);
}

TEST_CASE("a text is shortened without cutting a character") {
  CHECK(shortened("short", 5) == "short");
  CHECK(shortened("shorter", 5) == "short…");
  CHECK(shortened("ääää", 3) == "ä…");
}
