#include "telemetry/gzip.hpp"

#include <random>
#include <string>

#include "support/catch.hpp"
#include "support/gunzip.hpp"

using namespace millrace;

TEST_CASE("a compressed text can be restored") {
  std::mt19937_64 random{std::random_device{}()};
  std::string noise(300'000, '\0');
  for (auto& c : noise) c = static_cast<char>(random());
  for (const auto& text : {std::string{}, std::string{"a"}, std::string(1'000'000, 'x'), noise})
    CHECK(testing::gunzip(telemetry::gzip(text)) == text);
}

TEST_CASE("a text that repeats itself becomes small") {
  std::string page;
  for (int i = 0; i < 10'000; ++i)
    page += "millrace_queue_jobs{queue=\"q" + std::to_string(i) + "\",state=\"ready\"} 0\n";
  const auto packed = telemetry::gzip(page);
  CHECK(packed.size() < page.size() / 8);
  CHECK(packed.capacity() < page.size() / 8);
}
