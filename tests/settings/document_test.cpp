#include "settings/document.hpp"

#include "settings/encoding.hpp"
#include "settings_support.hpp"
#include "support/catch.hpp"

using namespace millrace::settings;

namespace {

struct parsed {
  std::optional<node> root;
  std::string diagnostics;
};

parsed parse(std::string_view text) {
  diagnostic_list list{"f"};
  parsed out{parse_document(text, list), {}};
  out.diagnostics = text_of(list.take());
  return out;
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t n = 0; n < times; ++n) out += text;
  return out;
}

}  // namespace

TEST_CASE("values and keys have their positions") {
  const auto [root, diagnostics] = parse("a: 1\nb:\n  c: [x, 'y']\n");
  REQUIRE(root);
  CHECK(diagnostics.empty());
  REQUIRE(root->keys == std::vector<std::string>{"a", "b"});
  CHECK(root->key_positions[1].line == 2);
  const node* list = root->find("b")->find("c");
  REQUIRE(list != nullptr);
  CHECK(list->values[1].start.line == 3);
  CHECK(list->values[1].start.column == 10);
  CHECK(list->values[1].quoted);
  CHECK_FALSE(list->values[0].quoted);
  const std::vector<std::string> existing{"b", "c"};
  CHECK(position_of(*root, existing).column == 3);
  const std::vector<std::string> missing{"b", "missing", "deeper"};
  CHECK(position_of(*root, missing).line == 2);
}

TEST_CASE("the first of two equal keys is used, at every level") {
  const auto [root, diagnostics] = parse("a: { b: 1, b: 2, c: { d: 1, d: 2 } }\na: 3\n");
  REQUIRE(root);
  CHECK(diagnostics ==
        "f:1:12: a.b: duplicate key; the first one is in line 1\n"
        "f:1:29: a.c.d: duplicate key; the first one is in line 1\n"
        "f:2:1: a: duplicate key; the first one is in line 1\n");
  CHECK(root->find("a")->find("b")->text == "1");
}

TEST_CASE("an empty value is null, and an empty text in quotes is a scalar") {
  const auto [root, diagnostics] = parse("a:\nb: ~\nc: ''\nd: null\ne: 'null'\n");
  REQUIRE(root);
  CHECK(root->find("a")->form == node::shape::null);
  CHECK(root->find("b")->form == node::shape::null);
  CHECK(root->find("c")->form == node::shape::scalar);
  CHECK(root->find("d")->form == node::shape::null);
  CHECK(root->find("e")->form == node::shape::scalar);
}

TEST_CASE("the nesting of maps and lists is limited") {
  for (const char* opening : {"[", "{a: ", "- ", "? ", "[[{a: ["}) {
    CAPTURE(opening);
    const auto [root, diagnostics] = parse(repeated(opening, 200'000));
    CHECK_FALSE(root);
    CHECK_FALSE(diagnostics.empty());
  }
  CHECK(parse(repeated("[", depth_max) + repeated("]", depth_max)).root);
  const auto [deeper, problem] = parse(repeated("[", depth_max + 1) + repeated("]", depth_max + 1));
  CHECK_FALSE(deeper);
  CHECK(problem == "f:1:17: more than 16 nested maps and lists\n");
}

TEST_CASE("the number of values is limited") {
  CHECK(parse("[" + repeated("1,", nodes_max - 1) + "]").root);
  const auto [root, problem] = parse("[" + repeated("1,", nodes_max) + "]");
  CHECK_FALSE(root);
  CHECK(problem.find("more than 1000000 values in one file") != std::string::npos);
}

TEST_CASE("a hundred thousand equal keys give a limited number of diagnostics") {
  const auto [root, diagnostics] = parse("{" + repeated("a: 1,", 100'000) + "}");
  REQUIRE(root);
  CHECK(diagnostics.size() < 100'000);
  CHECK(diagnostics.find("and 99799 more") != std::string::npos);
}

TEST_CASE("invalid UTF-8 is refused at its first byte") {
  for (const std::string bad :
       {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80", "\xf8\x88\x80\x80\x80"}) {
    const auto found = find_bad_byte("ok: ä\nb: " + bad);
    REQUIRE(found);
    CHECK(found->start.line == 2);
    CHECK(found->start.column == 4);
  }
  CHECK_FALSE(find_bad_byte("ä € 𝄞 \xEF\xBB\xBF tab\t\r\n"));
  CHECK(find_bad_byte(std::string_view{"a\0b", 3})->problem == "control character 0x00");
}

TEST_CASE("a byte order mark at the beginning is ignored") {
  const auto [root, diagnostics] = parse(
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
      const auto [root, diagnostics] = parse(document);
      REQUIRE(root);
      CHECK((key ? root->find("k")->text : root->values[0].text) == text);
    }
  }
}
