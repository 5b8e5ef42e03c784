#include <millrace/base/body.hpp>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"

using millrace::body;

TEST_CASE("a body is the bytes it was made of, also a NUL among them") {
  const body it{std::string_view{"a\0b", 3}};
  CHECK(it.view() == std::string_view{"a\0b", 3});
  CHECK(it.size() == 3);
}

TEST_CASE("an empty body is no bytes at all") {
  CHECK(body{}.view().empty());
  CHECK(body{""}.size() == 0);
}

TEST_CASE("copies of a body share its bytes and outlive the original") {
  body copy;
  {
    const body original{"shared"};
    copy = original;
    CHECK(copy.view().data() == original.view().data());
  }
  CHECK(copy.view() == "shared");
  const body moved{std::move(copy)};
  CHECK(moved.view() == "shared");
  CHECK(copy.view().empty());
}

TEST_CASE("a body may be assigned to itself") {
  body it{"self"};
  const body& same = it;
  it = same;
  CHECK(it.view() == "self");
}

TEST_CASE("copies are made and dropped on any thread") {
  const body it{std::string(1'000, 'x')};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([it] {
      for (int n = 0; n < 10'000; ++n) {
        const body copy = it;
        if (copy.size() != 1'000) std::abort();
      }
    });
  }
  for (auto& each : threads) each.join();
  CHECK(it.size() == 1'000);
}
