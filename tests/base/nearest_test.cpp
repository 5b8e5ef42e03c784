#include "base/nearest.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace millrace;

namespace {

const std::vector<std::string> known{"queues", "consumers", "producers", "daemon", "rate"};

}  // namespace

TEST_CASE("the nearest word is the one that was probably meant") {
  CHECK(nearest("consumer", known) == "consumers");
  CHECK(nearest("cnosumers", known) == "consumers");
  CHECK(nearest("prodcuers", known) == "producers");
  CHECK(nearest("deamon", known) == "daemon");
  CHECK(nearest("Queues", known) == "queues");
  CHECK(nearest("rat", known) == "rate");
}

TEST_CASE("a word that is far from all is no mistyped one") {
  CHECK(nearest("zebra", known).empty());
  CHECK(nearest("", known).empty());
  CHECK(nearest("ab", known).empty());
  CHECK(nearest(std::string(1'000'000, 'q'), known).empty());
  CHECK(nearest("anything", {}).empty());
}
