#include "settings/complaint.hpp"

#include "settings/complaint_list.hpp"
#include "support/catch.hpp"

using namespace millrace::settings;

TEST_CASE("a complaint says where, which key, what is wrong and what was expected") {
  complaint it{complaint::severity::error, "a.yaml", 3, 7, "queues.a", "it is wrong", "something right"};
  CHECK(it.text() == "a.yaml:3:7: queues.a: it is wrong (expected something right)");
  it.expected.clear();
  CHECK(it.text() == "a.yaml:3:7: queues.a: it is wrong");
  it.line = 0;
  it.key.clear();
  it.how = complaint::severity::warning;
  CHECK(it.text() == "a.yaml: warning: it is wrong");
}

TEST_CASE("complaints come in the order of the file") {
  complaint_list list{"f"};
  list.error({5, 1}, "c", "third");
  list.error({2, 9}, "b", "second");
  list.warning({2, 3}, "a", "first");
  const auto all = list.take();
  REQUIRE(all.size() == 3);
  CHECK(all[0].wrong == "first");
  CHECK(all[1].wrong == "second");
  CHECK(all[2].wrong == "third");
}

TEST_CASE("complaints are bounded in number and length, and are one line each") {
  complaint_list list{"f"};
  const std::string long_text(1'000'000, 'x');
  for (int n = 0; n < 1'000; ++n) list.error({n + 1, 1}, long_text, "two\nlines " + long_text, long_text);
  CHECK(list.full());
  const auto all = list.take();
  REQUIRE(all.size() == complaint_list::complaints_max + 1);
  CHECK(all.front().text().size() < 2'000);
  CHECK(all.front().text().find('\n') == std::string::npos);
  CHECK(all.back().wrong == "and 800 more like these");
  CHECK(all.back().how == complaint::severity::error);
}

TEST_CASE("a text is shortened between characters") {
  CHECK(shortened("short", 5) == "short");
  CHECK(shortened("shorter", 5) == "short…");
  CHECK(shortened("ääää", 3) == "ä…");
}
