#include "base/directory.hpp"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "support/catch.hpp"

using namespace millrace;

TEST_CASE("a directory's files and folders are listed, hidden ones included") {
  std::string folder = (std::filesystem::temp_directory_path() / "millrace-list-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  std::error_code failure = std::make_error_code(std::errc::io_error);
  CHECK(list_directory(folder, failure).empty());
  CHECK_FALSE(failure);

  for (const char* const name : {"/b", "/.a"}) std::ofstream{folder + name} << "x";
  std::filesystem::create_directory(folder + "/c");
  auto names = list_directory(folder, failure);
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{".a", "b", "c"});
  CHECK_FALSE(failure);
  std::filesystem::remove_all(folder);
}

TEST_CASE("a directory that cannot be opened is an error that tells why") {
  std::error_code failure;
  CHECK(list_directory("/no/such/directory", failure).empty());
  CHECK(failure == std::errc::no_such_file_or_directory);
  CHECK(list_directory("/dev/null", failure).empty());
  CHECK(failure == std::errc::not_a_directory);
}
