#include "settings/document.hpp"

#include "settings/encoding.hpp"
#include "support/catch.hpp"
#include "words.hpp"

using namespace millrace::settings;

namespace {

struct parsed {
  std::optional<node> root;
  std::string complaints;
};

parsed parse(std::string_view text) {
  complaint_list list{"f"};
  parsed out{parse_document(text, list), {}};
  out.complaints = text_of(list.take());
  return out;
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t n = 0; n < times; ++n) out += text;
  return out;
}

}  // namespace

TEST_CASE("values and keys know their place") {
  const auto [root, complaints] = parse("a: 1\nb:\n  c: [x, 'y']\n");
  REQUIRE(root);
  CHECK(complaints.empty());
  REQUIRE(root->keys == std::vector<std::string>{"a", "b"});
  CHECK(root->key_places[1].line == 2);
  const node* list = root->find("b")->find("c");
  REQUIRE(list != nullptr);
  CHECK(list->values[1].at.line == 3);
  CHECK(list->values[1].at.column == 10);
  CHECK(list->values[1].quoted);
  CHECK_FALSE(list->values[0].quoted);
  const std::vector<std::string> there{"b", "c"};
  CHECK(place_of(*root, there).column == 3);
  const std::vector<std::string> not_there{"b", "missing", "deeper"};
  CHECK(place_of(*root, not_there).line == 2);
}

TEST_CASE("of two equal keys the first counts, at every level") {
  const auto [root, complaints] = parse("a: { b: 1, b: 2, c: { d: 1, d: 2 } }\na: 3\n");
  REQUIRE(root);
  CHECK(complaints ==
        "f:1:12: a.b: the key is there twice, first in line 1\n"
        "f:1:29: a.c.d: the key is there twice, first in line 1\n"
        "f:2:1: a: the key is there twice, first in line 1\n");
  CHECK(root->find("a")->find("b")->text == "1");
}

TEST_CASE("nothing is nothing, and a quoted nothing is a text") {
  const auto [root, complaints] = parse("a:\nb: ~\nc: ''\nd: null\ne: 'null'\n");
  REQUIRE(root);
  CHECK(root->find("a")->form == node::shape::nothing);
  CHECK(root->find("b")->form == node::shape::nothing);
  CHECK(root->find("c")->form == node::shape::scalar);
  CHECK(root->find("d")->form == node::shape::nothing);
  CHECK(root->find("e")->form == node::shape::scalar);
}

TEST_CASE("depth is limited before the parser runs out of stack") {
  for (const char* opening : {"[", "{a: ", "- ", "? ", "[[{a: ["}) {
    CAPTURE(opening);
    const auto [root, complaints] = parse(repeated(opening, 200'000));
    CHECK_FALSE(root);
    CHECK_FALSE(complaints.empty());
  }
  CHECK(parse(repeated("[", depth_max) + repeated("]", depth_max)).root);
  const auto [deeper, why] = parse(repeated("[", depth_max + 1) + repeated("]", depth_max + 1));
  CHECK_FALSE(deeper);
  CHECK(why == "f:1:17: more than 16 maps and lists inside each other\n");
}

TEST_CASE("the number of values is limited") {
  CHECK(parse("[" + repeated("1,", nodes_max - 1) + "]").root);
  const auto [root, why] = parse("[" + repeated("1,", nodes_max) + "]");
  CHECK_FALSE(root);
  CHECK(why.find("more than 1000000 values in one file") != std::string::npos);
}

TEST_CASE("a million equal keys are a bounded number of complaints") {
  const auto [root, complaints] = parse("{" + repeated("a: 1,", 100'000) + "}");
  REQUIRE(root);
  CHECK(complaints.size() < 100'000);
  CHECK(complaints.find("and 99799 more like these") != std::string::npos);
}

TEST_CASE("what is not UTF-8 is refused where it begins") {
  for (const std::string bad :
       {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80", "\xf8\x88\x80\x80\x80"}) {
    const auto found = find_bad_byte("ok: ä\nb: " + bad);
    REQUIRE(found);
    CHECK(found->at.line == 2);
    CHECK(found->at.column == 4);
  }
  CHECK_FALSE(find_bad_byte("ä € 𝄞 \xEF\xBB\xBF tab\t\r\n"));
  CHECK(find_bad_byte(std::string_view{"a\0b", 3})->wrong == "control character 0x00");
}

TEST_CASE("a byte order mark at the beginning is no part of the text") {
  const auto [root, complaints] = parse(
      "\xEF\xBB\xBF"
      "a: 1\n");
  REQUIRE(root);
  CHECK(root->find("a") != nullptr);
}

TEST_CASE("a scalar that is written reads back as the same text") {
  for (const std::string text : {"plain",
                                 "two words",
                                 "",
                                 " ",
                                 "true",
                                 "null",
                                 "~",
                                 "-",
                                 "- a",
                                 "a: b",
                                 "#a",
                                 "a #b",
                                 "'",
                                 "\"",
                                 "\\",
                                 "a\nb",
                                 "a\tb",
                                 "0x10",
                                 "1",
                                 "007",
                                 "1.5",
                                 "123456789012345678901234567890",
                                 "ä€𝄞",
                                 "*a",
                                 "&a",
                                 "!a",
                                 "%a",
                                 "@a",
                                 "`a`",
                                 "[a]",
                                 "{a}",
                                 "a,b",
                                 "?",
                                 "<<",
                                 "\x01\x1f\x7f",
                                 "y",
                                 "off",
                                 "127.0.0.1:9464",
                                 "\r\n",
                                 "a\xc2\x85z",
                                 "a\xe2\x80\xa8z",
                                 "\xef\xbb\xbf"}) {
    CAPTURE(text, write_scalar(text));
    for (const auto& [document, key] :
         {std::pair{"k: " + write_scalar(text), true}, {"[" + write_scalar(text) + "]", false}}) {
      const auto [root, complaints] = parse(document);
      REQUIRE(root);
      CHECK((key ? root->find("k")->text : root->values[0].text) == text);
    }
  }
}
