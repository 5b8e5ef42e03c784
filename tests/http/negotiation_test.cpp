#include "http/negotiation.hpp"

#include <string_view>

#include "support/catch.hpp"

using namespace millrace;
using http::names_type;
using http::prefers_gzip;
using http::weight_of_type;

namespace {

constexpr std::string_view type = "application/openmetrics-text";

unsigned weight(std::string_view accept) { return weight_of_type(accept, type, "1.0.0"); }
bool named(std::string_view accept) { return names_type(accept, type, "1.0.0"); }

}  // namespace

TEST_CASE("the weight of a type is that of the most specific element") {
  CHECK(weight("application/openmetrics-text;q=0.25") == 250);
  CHECK(weight("*/*;q=0.9, application/*;q=0.5, application/openmetrics-text;q=0.125") == 125);
  CHECK(weight("application/openmetrics-text;version=1.0.0;q=0.7, application/openmetrics-text;q=0.1") == 700);
  CHECK(weight("*/*;q=0.9, application/*;q=0.5") == 500);
  CHECK(weight("*/*;q=0.9") == 900);
  CHECK(weight("text/html") == 0);
  CHECK(weight("APPLICATION/OpenMetrics-Text ; Q=0.5") == 500);
}

TEST_CASE("a type without a list has the full weight") {
  CHECK(weight("") == 1000);
  CHECK(weight("  ") == 1000);
}

TEST_CASE("another version of a type does not match") {
  CHECK(weight("application/openmetrics-text;version=0.0.1") == 0);
  CHECK(weight("application/openmetrics-text;version=\"1.0.0\"") == 1000);
  CHECK_FALSE(named("application/openmetrics-text; version=2.0.0"));
}

TEST_CASE("a type is named by itself or by its group, and not by */* or with the weight 0") {
  CHECK(named("application/openmetrics-text"));
  CHECK(named("application/*"));
  CHECK_FALSE(named("*/*"));
  CHECK_FALSE(named(""));
  CHECK_FALSE(named("application/openmetrics-text;q=0"));
  CHECK_FALSE(named("application/openmetrics-text;q=0.000, */*"));
}

TEST_CASE("malformed elements count as absent") {
  for (const auto* const accept : {"application/openmetrics-text;q=2", "application/openmetrics-text;q=0.1234",
                                   "application/openmetrics-text;q=", "application/openmetrics-text;q=1.5",
                                   "application/openmetrics-text;q=-1", "application/openmetrics-text;q=0,5",
                                   "application openmetrics-text", ",;,;;=", "/", "\"application/openmetrics-text\""}) {
    CAPTURE(accept);
    CHECK_FALSE(named(accept));
  }
  CHECK(named(", ,application/openmetrics-text;;q=1;, ,"));
}

TEST_CASE("gzip is used for clients that prefer it") {
  CHECK(prefers_gzip("gzip"));
  CHECK(prefers_gzip("deflate, GZIP;q=0.5, br"));
  CHECK(prefers_gzip("x-gzip"));
  CHECK(prefers_gzip("*"));
  CHECK(prefers_gzip("identity;q=0.5, gzip;q=0.5"));
}

TEST_CASE("gzip is not used for clients that do not want it, or that want the plain text more") {
  CHECK_FALSE(prefers_gzip(""));
  CHECK_FALSE(prefers_gzip("identity"));
  CHECK_FALSE(prefers_gzip("gzip;q=0"));
  CHECK_FALSE(prefers_gzip("gzip;q=0.000, *"));
  CHECK_FALSE(prefers_gzip("*;q=0"));
  CHECK_FALSE(prefers_gzip("identity, gzip;q=0.5"));
  CHECK_FALSE(prefers_gzip("gzip;q=high"));
  CHECK_FALSE(prefers_gzip("gzipped, deflate"));
}
