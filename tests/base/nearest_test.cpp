#include "base/nearest.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace millrace;

namespace {

const std::vector<std::string> words{"queues", "consumers", "producers", "daemon", "rate"};

}  // namespace

TEST_CASE("the nearest word is the one that was probably meant") {
  CHECK(nearest("consumer", words) == "consumers");
  CHECK(nearest("cnosumers", words) == "consumers");
  CHECK(nearest("prodcuers", words) == "producers");
  CHECK(nearest("deamon", words) == "daemon");
  CHECK(nearest("Queues", words) == "queues");
  CHECK(nearest("rat", words) == "rate");
}

TEST_CASE("a word that is far from all is no mistyped one") {
  CHECK(nearest("zebra", words).empty());
  CHECK(nearest("", words).empty());
  CHECK(nearest("ab", words).empty());
  CHECK(nearest(std::string(1'000'000, 'q'), words).empty());
  CHECK(nearest("anything", {}).empty());
}
