#include "base/directory.hpp"

#include <dirent.h>
#include <errno.h>

#include <memory>
#include <string_view>

namespace millrace {

namespace {

struct close_directory {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

}  // namespace

std::vector<std::string> list_directory(const std::string& path, std::error_code& failure) {
  std::vector<std::string> names;
  failure.clear();
  const std::unique_ptr<DIR, close_directory> directory{::opendir(path.c_str())};
  if (directory == nullptr) {
    failure.assign(errno, std::generic_category());
    return names;
  }
  for (;;) {
    // Only `errno` tells the end from an error (readdir(3)).
    errno = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): only calls on the same stream race, and this stream has one reader
    const dirent* const file = ::readdir(directory.get());
    if (file == nullptr) break;
    const std::string_view name = file->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) failure.assign(errno, std::generic_category());
  return names;
}

}  // namespace millrace
