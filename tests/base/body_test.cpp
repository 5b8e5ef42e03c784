#include <cstddef>
#include <millrace/base/body.hpp>
#include <string>
#include <thread>
#include <vector>

#include "base/background_free.hpp"
#include "support/catch.hpp"

using millrace::body;
using millrace::body_in_progress;

TEST_CASE("a body is the bytes it was made of, also a NUL among them") {
  const body content{std::string_view{"a\0b", 3}};
  CHECK(content.view() == std::string_view{"a\0b", 3});
  CHECK(content.size() == 3);
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
  // NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move): a body that was moved is empty
  CHECK(copy.view().empty());
}

TEST_CASE("the memory of a large body is freed on a thread of its own") {
  { const body large{std::string(millrace::background_free_bytes_min, 'x')}; }
  { const body small{"small"}; }
  {
    const body large{std::string(millrace::background_free_bytes_min, 'y')};
    body copy;
    copy = large;
  }
  // Would wait for ever if a large one had been freed here.
  millrace::wait_for_background_frees(2);
}

TEST_CASE("a body may be assigned to itself") {
  body content{"self"};
  const body& same = content;
  content = same;
  CHECK(content.view() == "self");
}

TEST_CASE("copies are made and dropped on any thread") {
  const body content{std::string(1'000, 'x')};
  constexpr std::size_t thread_count = 4;
  std::vector<std::thread> threads;
  threads.reserve(thread_count);
  for (std::size_t i = 0; i < thread_count; ++i) {
    threads.emplace_back([content] {
      body copy;
      for (int n = 0; n < 10'000; ++n) {
        copy = body{};
        copy = content;
        if (copy.size() != 1'000) std::abort();
      }
    });
  }
  for (auto& each : threads) each.join();
  CHECK(content.size() == 1'000);
}

TEST_CASE("a body that comes in pieces is what it would be in one") {
  body_in_progress coming;
  REQUIRE(coming.begin(5));
  std::string_view first = "ab", rest = "cdefg";
  coming.take(first);
  CHECK(first.empty());
  CHECK(coming.missing() == 3);
  coming.take(rest);
  CHECK(rest == "fg");
  CHECK(coming.missing() == 0);
  const body whole = coming.finish();
  CHECK(whole.view() == "abcde");
  CHECK(coming.missing() == 0);
}

TEST_CASE("nothing at all is a body that is complete when it begins") {
  body_in_progress coming;
  REQUIRE(coming.begin(0));
  std::string_view bytes = "x";
  coming.take(bytes);
  CHECK(bytes == "x");
  CHECK(coming.finish().size() == 0);
}

TEST_CASE("a body that begins anew forgets what came before, and one that is finished is left alone") {
  body_in_progress coming;
  REQUIRE(coming.begin(3));
  std::string_view bytes = "ab";
  coming.take(bytes);
  REQUIRE(coming.begin(2));
  bytes = "cd";
  coming.take(bytes);
  const body first = coming.finish();
  REQUIRE(coming.begin(2));
  bytes = "ef";
  coming.take(bytes);
  CHECK(first.view() == "cd");
  CHECK(coming.finish().view() == "ef");
}

TEST_CASE("a body in progress is moved with all that came of it") {
  body_in_progress coming;
  REQUIRE(coming.begin(4));
  std::string_view bytes = "ab";
  coming.take(bytes);
  body_in_progress moved{std::move(coming)};
  // NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move): what was moved expects nothing
  CHECK(coming.missing() == 0);
  bytes = "cd";
  moved.take(bytes);
  coming = std::move(moved);
  CHECK(coming.finish().view() == "abcd");
}
