// A reader must give the same results for bytes in pieces as for the same bytes at once.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "transcript.hpp"

namespace millrace::testing {

/// `start()` gives a fresh reading. `places` are the positions of cuts into two pieces. Empty: all positions.
template <class start_reading>
void check_cuts(std::string_view bytes, const transcript& expected, start_reading start,
                std::vector<std::size_t> places = {}) {
  CAPTURE(bytes.substr(0, 300));
  auto whole = start();
  whole.feed(bytes);
  REQUIRE(whole.results() == expected);

  auto by_bytes = start();
  for (const char& each : bytes) by_bytes.feed({&each, 1});
  REQUIRE(by_bytes.results() == expected);

  if (places.empty()) {
    for (std::size_t place = 0; place <= bytes.size(); ++place) places.push_back(place);
  }
  for (const std::size_t place : places) {
    auto in_two = start();
    in_two.feed(bytes.substr(0, place));
    in_two.feed(bytes.substr(place));
    CAPTURE(place);
    if (in_two.results() != expected) CHECK(in_two.results() == expected);
  }
  if (bytes.size() > 100) return;
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    for (std::size_t second = first; second <= bytes.size(); ++second) {
      auto in_three = start();
      in_three.feed(bytes.substr(0, first));
      in_three.feed(bytes.substr(first, second - first));
      in_three.feed(bytes.substr(second));
      CAPTURE(first, second);
      if (in_three.results() != expected) CHECK(in_three.results() == expected);
    }
  }
}

inline void check_commands(std::string_view bytes, const transcript& expected,
                           std::uint32_t body_bytes_max = usual_body_bytes_max, std::vector<std::size_t> places = {}) {
  check_cuts(
      bytes, expected, [body_bytes_max] { return command_reading{body_bytes_max}; }, std::move(places));
}

inline void check_replies(std::string_view bytes, const transcript& expected) {
  check_cuts(bytes, expected, [] { return reply_reading{}; });
}

}  // namespace millrace::testing
