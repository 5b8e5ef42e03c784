#include "base/queue_name.hpp"

#include <string>

#include "support/catch.hpp"

using namespace millrace;
using namespace std::string_literals;

TEST_CASE("a queue name has letters, digits and some punctuation, and does not start with a dash") {
  const std::string all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-+/;.$_()";
  CHECK(is_queue_name(all));
  for (int code = 0; code < 256; ++code) {
    const char byte = static_cast<char>(code);
    const bool allowed = all.find(byte) != std::string::npos;
    CHECK(is_queue_name("a"s + byte) == allowed);
    CHECK(is_queue_name(std::string(1, byte)) == (allowed && byte != '-'));
  }
}

TEST_CASE("a queue name has 1 to 200 bytes") {
  CHECK_FALSE(is_queue_name(""));
  CHECK(is_queue_name(std::string(200, 'a')));
  CHECK_FALSE(is_queue_name(std::string(201, 'a')));
}
