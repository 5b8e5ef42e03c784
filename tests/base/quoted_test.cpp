#include "base/quoted.hpp"

#include "support/catch.hpp"

using namespace millrace;
using namespace std::string_literals;

TEST_CASE("a quoted text is on one line, with quotes and backslashes escaped") {
  CHECK(double_quoted("") == "\"\"");
  CHECK(double_quoted("two words") == "\"two words\"");
  CHECK(double_quoted("say \"x\" \\ \n\r\t") == R"("say \"x\" \\ \n\r\t")");
}

TEST_CASE("characters that are not printable are escaped by their number") {
  CHECK(double_quoted("\0\x1b\x7f"s) == R"("\x00\x1b\x7f")");
  CHECK(double_quoted("\xc2\x85") == R"("\x85")");
  CHECK(double_quoted("\xe2\x80\xa8") == R"("\u2028")");
}

TEST_CASE("printable characters beyond ASCII are kept") { CHECK(double_quoted("ü€😀") == "\"ü€😀\""); }

TEST_CASE("each byte that is not UTF-8 is shown as the replacement character") {
  CHECK(double_quoted("\xff") == R"("\ufffd")");
  CHECK(double_quoted("cut \xe2\x82") == R"("cut \ufffd\ufffd")");
}
