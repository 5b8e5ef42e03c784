#include "loop/trace_states.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <string_view>

#include "support/catch.hpp"

namespace millrace::loop {

TEST_CASE("a job has the state that it entered last, until it is taken", "[trace]") {
  trace_states states;
  CHECK(states.take(job_id{1}).empty());
  CHECK(states.exchange(job_id{1}, "ready").empty());
  CHECK(states.exchange(job_id{1}, "reserved") == "ready");
  CHECK(states.take(job_id{1}) == "reserved");
  CHECK(states.take(job_id{1}).empty());
  CHECK(states.size() == 0);
}

TEST_CASE("states are those of a map, whatever jobs come and go", "[trace]") {
  constexpr std::array<std::string_view, 3> names{"ready", "reserved", "delayed"};
  // Few ids, so that places are shared and given back; many of them, so that the table grows.
  for (const std::uint64_t ids : {700U, 20'000U}) {
    trace_states states;
    std::map<std::uint64_t, std::string_view> expected;
    std::mt19937_64 random{ids};
    for (std::uint64_t n = 0; n < 200'000; ++n) {
      const auto id = 1 + random() % ids;
      if (random() % 2 == 0) {
        const auto name = names.at(random() % names.size());
        REQUIRE(states.exchange(job_id{id}, name) == expected[id]);
        expected[id] = name;
      } else {
        const auto found = expected.extract(id);
        REQUIRE(states.take(job_id{id}) == (found.empty() ? std::string_view{} : found.mapped()));
      }
      REQUIRE(states.size() == expected.size());
    }
  }
}

}  // namespace millrace::loop
