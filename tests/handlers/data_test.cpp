// Tests every number of config/data with every method that supports it. The name of the file states the verdict.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "handlers/prime.hpp"
#include "handlers/program.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::handlers;

namespace {

/// Trial division of longer numbers takes seconds.
constexpr std::size_t digits_for_trial = 16;

struct data_file {
  std::string name;
  bool is_prime;
  std::vector<std::string> comments;
  std::vector<std::string> numbers;
};

std::vector<data_file> data_files() {
  std::vector<data_file> files;
  for (const auto& entry : std::filesystem::directory_iterator{"config/data"}) {
    data_file file{entry.path().stem().string(), false, {}, {}};
    file.is_prime = file.name.ends_with("-prime");
    std::ifstream in{entry.path()};
    for (std::string line; std::getline(in, line);)
      (line.starts_with('#') ? file.comments : file.numbers).push_back(line);
    files.push_back(std::move(file));
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return files;
}

}  // namespace

TEST_CASE("each data file states its verdict in its name and its source in a comment", "[data]") {
  const auto files = data_files();
  CHECK(files.size() >= 12);
  for (const data_file& file : files) {
    CAPTURE(file.name);
    CHECK((file.is_prime || file.name.ends_with("-composite")));
    CHECK(std::any_of(file.comments.begin(), file.comments.end(),
                      [](const std::string& line) { return line.find("Source: ") != std::string::npos; }));
    CHECK_FALSE(file.numbers.empty());
    CHECK(std::set<std::string>(file.numbers.begin(), file.numbers.end()).size() == file.numbers.size());
  }
}

TEST_CASE("every published number gets the verdict of its file", "[data]") {
  handler_fixture fixture;
  prime fast{{prime_method::fast, 4096}, fixture.context};
  prime divided{{prime_method::trial, 4096}, fixture.context};
  for (const data_file& file : data_files()) {
    for (const std::string& number : file.numbers) {
      const std::string expected = number + (file.is_prime ? " is a prime number." : " is not a prime number.");
      CHECK(text_of(compute(fast, number)) == expected);
      if (number.size() <= digits_for_trial) CHECK(text_of(compute(divided, number)) == expected);
    }
  }
}
