#include "base/base64.hpp"

#include "support/catch.hpp"

using namespace millrace;

TEST_CASE("bytes come back from base64") {
  CHECK(to_base64("fooba") == "Zm9vYmE=");
  CHECK(to_base64("f") == "Zg==");
  CHECK(from_base64("Zm9vYmE=") == "fooba");
  CHECK_FALSE(from_base64("Zm9").has_value());
  CHECK_FALSE(from_base64("Zm9*").has_value());
}
