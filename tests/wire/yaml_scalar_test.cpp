#include "wire/yaml_scalar.hpp"

#include <string_view>

#include "support/catch.hpp"

using millrace::wire::is_plain_yaml_string;

TEST_CASE("text that a parser would take for something else than a string is not plain") {
  for (const std::string_view text :
       {// empty, null, booleans, special words
        "", "~", "null", "Null", "NULL", "nULL", "y", "Y", "n", "N", "yes", "YES", "yEs", "no", "No", "true", "TRUE",
        "false", "on", "On", "off", "OFF", ".inf", ".Inf", "-.INF", "+.inf", ".nan", ".NaN", "<<", "=",
        // numbers
        "0", "1", "-1", "+1", "0123", "1_000", "1,000", "1.", ".5", "-.5", "1.5", "1_0.5", "1e3", "1E+3", "1.5e-3",
        ".5e3", ".", "..", "...", "1.2.3", "0b101", "-0b1", "0o17", "0x1F", "0x_", "0XfF", "12:30", "1:2",
        "190:20:30.15",
        // dates
        "2001-01-01", "2001-1-1", "2001-01-01t10:00:00Z", "2001-01-01 10:00:00",
        // indicators
        "-", "?", ":", "- a", "? a", ":a", "a:", "a: b", "a #b", "#a", "&a", "*a", "!a", "|", ">", "'a'", "\"a\"", "%a",
        "@a", "`a`", "{a", "[a", ",a", "---", "--- a", " a", "a ",
        // bytes
        "a\nb", "a\tb", "\x7f", "\xC3\xA4", "\xff"}) {
    INFO(text);
    CHECK_FALSE(is_plain_yaml_string(text));
  }
}

TEST_CASE("text that every parser takes for the same string is plain") {
  for (const std::string_view text :
       {"default", "emails", "a",       "e",           "e5",          "x",           "0x",    "0b2",  "0o8",
        "0b",      "1a",     "1e",      "1e+",         "e1",          "1.5a",        "1_a",   "+",    "+a",
        "-a",      "_",      "_1",      "$1",          "(1)",         "/1",          ";",     "1;2",  "1/2",
        "1-2",     "1+1",    "2001-01", "2001-01-01a", "2001-001-01", "20010-01-01", "nulls", "nope", "yess",
        "truee",   "o",      "inf",     "nan",         ".infx",       "a.b",         ".a",    "a:b",  "a#b",
        "12:30a",  "1:234",  "a, b",    "a\"b",        "a'b",         "a b",         "x86_64"}) {
    INFO(text);
    CHECK(is_plain_yaml_string(text));
  }
}
