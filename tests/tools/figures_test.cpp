#include "tools/figures.hpp"

#include <vector>

#include "support/catch.hpp"

using namespace millrace;
using tools::in_short;
using tools::median_of;

TEST_CASE("figures have three digits and a prefix") {
  CHECK(in_short(0.0) == "0");
  CHECK(in_short(0.5) == "0.5");
  CHECK(in_short(812.0) == "812");
  CHECK(in_short(999.7) == "1 k");
  CHECK(in_short(1'234.0) == "1.23 k");
  CHECK(in_short(10'050.0) == "10.1 k");
  CHECK(in_short(4'300'000.0) == "4.3 M");
  CHECK(in_short(5e12) == "5000 G");
}

TEST_CASE("lengths of time have the unit that people would choose") {
  CHECK(in_short(nanoseconds{283}) == "283 ns");
  CHECK(in_short(nanoseconds{86'210}) == "86.2 µs");
  CHECK(in_short(milliseconds{1'200}) == "1.2 s");
  CHECK(in_short(duration{microseconds{2'500}}) == "2.5 ms");
}

TEST_CASE("the median is the middle one, of two the mean") {
  CHECK(median_of(std::vector<double>{}) == 0);
  CHECK(median_of(std::vector<double>{3}) == 3);
  CHECK(median_of(std::vector<double>{9, 1, 5}) == 5);
  CHECK(median_of(std::vector<double>{4, 1, 2, 9}) == 3);
}
