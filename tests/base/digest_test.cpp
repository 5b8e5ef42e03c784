#include "base/digest.hpp"

#include <string>

#include "support/catch.hpp"

using namespace millrace;

TEST_CASE("a digest does not depend on how its bytes are cut") {
  std::string bytes;
  for (int n = 0; n < 3'000; ++n) bytes += static_cast<char>(n * n);
  digest whole;
  whole.add(bytes);
  for (const std::size_t piece : {1u, 7u, 255u, 256u, 2'999u}) {
    digest pieces;
    for (std::size_t at = 0; at < bytes.size(); at += piece) pieces.add(std::string_view{bytes}.substr(at, piece));
    CHECK(pieces.value() == whole.value());
  }
}

TEST_CASE("a digest goes on after its value was asked for, and begins anew when it is reset") {
  digest one, other;
  CHECK(one.value() == 0x2d06800538d394c2);  // XXH3 of nothing, from the test vectors of xxHash
  one.add("a");
  CHECK(one.value() != other.value());
  one.add("b");
  other.add("ab");
  CHECK(one.value() == other.value());
  one.reset();
  CHECK(one.value() == digest{}.value());
}
