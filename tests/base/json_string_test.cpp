#include "base/json_string.hpp"

#include "support/catch.hpp"

using namespace millrace;
using namespace std::string_literals;

namespace {

std::string json_of(std::string_view text) {
  std::string to;
  append_json_string(to, text);
  return to;
}

}  // namespace

TEST_CASE("a JSON string escapes quotes, backslashes and control characters, and nothing else") {
  CHECK(json_of("") == "\"\"");
  CHECK(json_of("say \"x\" \\ \n") == R"("say \"x\" \\ \n")");
  CHECK(json_of("\0\x1b\x7f"s) == "\"\\u0000\\u001b\x7f\"");
  CHECK(json_of("ü€😀") == "\"ü€😀\"");
}

TEST_CASE("bytes of a JSON string that are not UTF-8 become the replacement character") {
  CHECK(json_of("a\xff\xc3z") == "\"a\xEF\xBF\xBD\xEF\xBF\xBDz\"");
}

TEST_CASE("a JSON string keeps what stands between characters that are escaped") {
  CHECK(json_of("abc\"def\\ghi\nüjkl\x01mno") == R"("abc\"def\\ghi\nüjkl\u0001mno")");
}
