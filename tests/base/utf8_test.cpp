#include "base/utf8.hpp"

#include "support/catch.hpp"

#include <string>

namespace millrace {

TEST_CASE("the first and the last character of each length are UTF-8", "[utf8]") {
  CHECK(utf8_length(std::string_view{"\0", 1}) == 1);
  CHECK(utf8_length("\x7f") == 1);
  CHECK(utf8_length("\xc2\x80") == 2);
  CHECK(utf8_length("\xdf\xbf") == 2);
  CHECK(utf8_length("\xe0\xa0\x80") == 3);
  CHECK(utf8_length("\xef\xbf\xbf") == 3);
  CHECK(utf8_length("\xf0\x90\x80\x80") == 4);
  CHECK(utf8_length("\xf4\x8f\xbf\xbf") == 4);
}

TEST_CASE("overlong forms, surrogates and numbers above U+10FFFF are not UTF-8", "[utf8]") {
  for (const char* text : {"\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
                           "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\x80"}) {
    CAPTURE(text);
    CHECK(utf8_length(text) == 0);
    CHECK_FALSE(is_utf8(text));
  }
}

TEST_CASE("a character that ends early is not UTF-8", "[utf8]") {
  for (const std::string whole : {"\xc3\x9f", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
    CHECK(is_utf8(whole));
    for (std::size_t kept = 1; kept < whole.size(); ++kept) {
      CHECK(utf8_length(std::string_view{whole}.substr(0, kept)) == 0);
      CHECK(utf8_length(whole.substr(0, kept) + "a") == 0);
    }
  }
}

TEST_CASE("an empty text is UTF-8 and has no character", "[utf8]") {
  CHECK(is_utf8(""));
  CHECK(utf8_length("") == 0);
}

TEST_CASE("a text is UTF-8 when all of its characters are", "[utf8]") {
  CHECK(
      is_utf8("Stra\xc3\x9f"
              "e \xe2\x82\xac"));
  CHECK_FALSE(is_utf8("good \xc3\x9f, then \xff"));
}

TEST_CASE("the first character of a text has its number", "[utf8]") {
  CHECK(first_character("a\xc3\x9f").code == U'a');
  CHECK(first_character("\xc3\x9f!").code == U'\u00df');
  CHECK(first_character("\xe2\x82\xac").code == U'\u20ac');
  CHECK(first_character("\xf0\x9f\x98\x80").code == U'\U0001f600');
  CHECK(first_character("\xf0\x9f\x98\x80").length == 4);
  CHECK(first_character("\xff").length == 0);
}

TEST_CASE("bytes that are not UTF-8 become the replacement character, the rest is kept", "[utf8]") {
  CHECK(to_utf8("Ma\xc3\x9f!") == "Ma\xc3\x9f!");
  CHECK(to_utf8("\xff, cut \xe2\x82") == "\xef\xbf\xbd, cut \xef\xbf\xbd\xef\xbf\xbd");
}

TEST_CASE("a byte that is not UTF-8 is found at each place of a long text", "[utf8]") {
  const std::string ascii(40, 'a');
  CHECK(to_utf8(ascii) == ascii);
  for (std::size_t at = 0; at < ascii.size(); ++at) {
    CAPTURE(at);
    auto text = ascii;
    text[at] = '\xff';
    CHECK_FALSE(is_utf8(text));
    CHECK(to_utf8(text) == ascii.substr(0, at) + "\xef\xbf\xbd" + ascii.substr(at + 1));
    text = ascii.substr(0, at) + "\xe2\x82\xac" + ascii;
    CHECK(is_utf8(text));
    CHECK(to_utf8(text) == text);
  }
}

}  // namespace millrace

TEST_CASE("a text is cut before the character that does not fit") {
  constexpr std::string_view text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";  // of 1, 2, 3, 4 and 1 bytes
  const std::array<std::size_t, 12> lengths{0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
  for (std::size_t bytes_max = 0; bytes_max < lengths.size(); ++bytes_max)
    CHECK(millrace::utf8_prefix(text, bytes_max).size() == lengths[bytes_max]);
  CHECK(millrace::utf8_prefix(text, 1'000) == text);
}

TEST_CASE("bytes that are no UTF-8 are cut where the limit is") {
  const std::string continuations(100, '\x80');
  CHECK(millrace::utf8_prefix(continuations, 50).size() == 50);
  CHECK(millrace::utf8_prefix("ab\xff\xff", 3).size() == 3);
  CHECK(millrace::utf8_prefix("\xe2\x82", 1).size() == 1);
}

TEST_CASE("characters are counted, not bytes") {
  CHECK(millrace::utf8_character_count("") == 0);
  CHECK(millrace::utf8_character_count("a\xc3\xa9\xf0\x9f\x98\x80") == 3);
}
