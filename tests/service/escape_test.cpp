#include "service/escape.hpp"

#include "support/catch.hpp"

using namespace millrace::service;

TEST_CASE("control characters are escaped, so that a text stays on one line") {
  CHECK(one_line("two\nlines\r\n") == "two\\nlines\\r\\n");
  CHECK(one_line("\x1b[2J\x7f") == "\\x1b[2J\\x7f");
  CHECK(one_line("ü is left alone") == "ü is left alone");
}

TEST_CASE("values are quoted only if they are empty or have special characters") {
  CHECK(plain_or_quoted("127.0.0.1:9464") == "127.0.0.1:9464");
  CHECK(plain_or_quoted("") == "\"\"");
  CHECK(plain_or_quoted("two words") == "\"two words\"");
  CHECK(plain_or_quoted("a=b") == "\"a=b\"");
  CHECK(plain_or_quoted("say \"x\" \\ \n") == R"("say \"x\" \\ \n")");
}

TEST_CASE("JSON strings escape quotes, backslashes and control characters") {
  CHECK(json_string("plain") == R"("plain")");
  CHECK(json_string("\"\\\n\t\x01") == R"("\"\\\n\t\u0001")");
  CHECK(json_string(std::string_view{"\0", 1}) == R"("\u0000")");
  CHECK(json_string("ü€😀") == "\"ü€😀\"");
}

TEST_CASE("invalid UTF-8 becomes the replacement character") {
  CHECK(json_string("\xff") == "\"\ufffd\"");
  CHECK(json_string("cut \xe2\x82") == "\"cut \ufffd\ufffd\"");
  CHECK(json_string("\xc0\xaf") == "\"\ufffd\ufffd\"");                      // an overlong encoding
  CHECK(json_string("\xed\xa0\x80") == "\"\ufffd\ufffd\ufffd\"");            // a surrogate
  CHECK(json_string("\xf4\x90\x80\x80") == "\"\ufffd\ufffd\ufffd\ufffd\"");  // beyond U+10FFFF
  CHECK(json_string("\x80 lost") == "\"\ufffd lost\"");
}
