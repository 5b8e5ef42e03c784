#include <string>

#include "support/catch.hpp"
#include "wire/beanstalk_reply.hpp"

using namespace millrace;
using namespace std::string_literals;

namespace {

std::string as_text(std::string_view value) {
  wire::beanstalk_yaml yaml;
  yaml.add_text("k", value);
  return std::string{yaml.text()};
}

std::string seconds(std::uint64_t microseconds) {
  wire::beanstalk_yaml yaml;
  yaml.add_seconds("k", microseconds);
  return std::string{yaml.text()};
}

}  // namespace

TEST_CASE("a chunk begins with three dashes and has a line for each key, in order") {
  wire::beanstalk_yaml yaml;
  CHECK(yaml.text() == "---\n");
  yaml.add("id", 0);
  yaml.add("pri", 18'446'744'073'709'551'615u);
  yaml.add_bare("state", "ready");
  yaml.add_text("tube", "0.5");
  yaml.add_text("tube", "emails");
  yaml.add_seconds("rusage-utime", 1'500'000);
  CHECK(yaml.text() ==
        "---\nid: 0\npri: 18446744073709551615\nstate: ready\ntube: \"0.5\"\ntube: emails\nrusage-utime: 1.500000\n");
}

TEST_CASE("items of a list are quoted where they need it") {
  wire::beanstalk_yaml yaml;
  yaml.add_item("default");
  yaml.add_item("a-b+c/d;e.f$g_h(i)");
  yaml.add_item("123");
  CHECK(yaml.text() == "---\n- default\n- a-b+c/d;e.f$g_h(i)\n- \"123\"\n");
}

TEST_CASE("strings are quoted where they need it, and what would end or break the quotes is escaped") {
  CHECK(as_text("") == "---\nk: \"\"\n");
  CHECK(as_text("#1 SMP: x") == "---\nk: \"#1 SMP: x\"\n");
  CHECK(as_text("\"b\\c") == "---\nk: \"\\\"b\\\\c\"\n");
  CHECK(as_text("a\"b\\c") == "---\nk: a\"b\\c\n");
  CHECK(as_text("\xC3(\xFF") == "---\nk: \"\\ufffd(\\ufffd\"\n");
  CHECK(as_text("\xC2\x85\xE2\x80\xA8") == "---\nk: \"\\x85\\u2028\"\n");
  CHECK(as_text("\n\r\t\0\x1f\x7f"s) == "---\nk: \"\\n\\r\\t\\x00\\x1f\\x7f\"\n");
  CHECK(as_text("\xC3\xA4") == "---\nk: \"\xC3\xA4\"\n");
}

TEST_CASE("seconds are written with six decimals") {
  CHECK(seconds(0) == "---\nk: 0.000000\n");
  CHECK(seconds(1) == "---\nk: 0.000001\n");
  CHECK(seconds(999'999) == "---\nk: 0.999999\n");
  CHECK(seconds(1'000'000) == "---\nk: 1.000000\n");
  CHECK(seconds(12'000'345) == "---\nk: 12.000345\n");
  CHECK(seconds(18'446'744'073'709'551'615u) == "---\nk: 18446744073709.551615\n");
}
