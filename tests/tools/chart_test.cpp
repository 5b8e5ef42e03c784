#include "tools/chart.hpp"

#include <cstdio>
#include <regex>
#include <vector>

#include "support/catch.hpp"

using namespace millrace;
using tools::chart_curve;
using tools::chart_of;
using tools::latencies;

namespace {

latencies thousand_times(duration length) {
  latencies seen;
  for (int at = 1; at <= 1'000; ++at) seen.note(length * at / 100);
  return seen;
}

struct point {
  double x, y;
};

/// The corners of each curve.
std::vector<std::vector<point>> paths_of(const std::string& svg) {
  std::vector<std::vector<point>> paths;
  const std::regex path{"<path d=\"([^\"]*)\""}, corner{"([0-9.]+) ([0-9.]+)"};
  for (std::sregex_iterator at{svg.begin(), svg.end(), path}, end; at != end; ++at) {
    const std::string corners = (*at)[1];
    auto& points = paths.emplace_back();
    for (std::sregex_iterator each{corners.begin(), corners.end(), corner}; each != end; ++each)
      points.push_back({std::stod((*each)[1]), std::stod((*each)[2])});
  }
  return paths;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a chart has a curve and an entry for each server, axes and units") {
  const auto one = thousand_times(microseconds{80}), other = thousand_times(milliseconds{3});
  const std::vector<chart_curve> curves{{"127.0.0.1:11300", &one}, {"unix:/run/<x>&y", &other}};
  const auto svg = chart_of("Put", "mix", curves);
  CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(paths_of(svg).size() == 2);
  for (const char* const words :
       {">127.0.0.1:11300<", ">unix:/run/&lt;x&gt;&amp;y<", ">99.9%<", ">10 ms<", ">1 ms<", "latency (log scale)"})
    CHECK(contains(svg, words));
  CHECK_FALSE(contains(svg, "99.99%"));  // a thousand values say nothing of it
}

TEST_CASE("a curve goes from left to right and never down, within the picture") {
  const auto seen = thousand_times(microseconds{80});
  const std::vector<chart_curve> curves{{"a", &seen}};
  const auto paths = paths_of(chart_of("Put", "mix", curves));
  REQUIRE(paths.size() == 1);
  REQUIRE(paths[0].size() > 100);
  for (std::size_t at = 1; at < paths[0].size(); ++at) {
    CHECK(paths[0][at].x >= paths[0][at - 1].x);
    CHECK(paths[0][at].y <= paths[0][at - 1].y);
  }
  for (const auto& each : paths[0]) CHECK((each.x >= 92 && each.x <= 912 && each.y >= 150 && each.y <= 528));
}

TEST_CASE("a single value, and values that are all the same, are drawn as well") {
  for (const std::uint64_t times : {1u, 1'000'000u}) {
    for (const duration length : {duration{0}, duration{nanoseconds{1}}, duration{seconds{1}}, duration{hours{2}}}) {
      latencies seen;
      seen.note(length, times);
      const std::vector<chart_curve> curves{{"a", &seen}};
      const auto svg = chart_of("Put", "mix", curves);
      CHECK_FALSE(contains(svg, "nan"));
      CHECK_FALSE(contains(svg, "inf"));
      CHECK(paths_of(svg).size() == 1);
    }
  }
}
