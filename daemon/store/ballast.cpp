#include "store/ballast.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "base/log.hpp"
#include "store/private_file.hpp"
#include "store/sqlite.hpp"

namespace millrace::store {

namespace {

/// Enough to checkpoint the whole log on a full disk, after which the log starts again at its beginning. The log has at
/// most 16 MiB and, on a small disk, 1/4 of the free space (store/upkeep).
constexpr std::uint64_t most_bytes = 16ull << 20;
constexpr std::uint64_t share_of_reserve = 4;
constexpr auto page_bytes = static_cast<std::uint64_t>(sqlite::page_bytes);

constexpr std::uint64_t bytes_of_block = 512;  // of st_blocks, whatever the file system's are

}  // namespace

ballast::ballast(const std::string& directory, std::uint64_t disk_reserve)
    : path_{directory + "/" + file_name},
      wanted_{std::min(disk_reserve / share_of_reserve, most_bytes) / page_bytes * page_bytes} {
  struct stat facts {};
  if (::stat(path_.c_str(), &facts) != 0) return;
  // A copy may have a hole in its place, and the reserve may have been another one.
  held_ =
      std::min(static_cast<std::uint64_t>(facts.st_size), static_cast<std::uint64_t>(facts.st_blocks) * bytes_of_block);
}

void ballast::make() {
  if (held_ == wanted_ || failed_) return;
  const int number = wanted_ == 0 ? 0 : allocate();
  if (number == 0 && wanted_ != 0) {
    held_ = wanted_;
    return;
  }
  ::unlink(path_.c_str());
  held_ = 0;
  if (number == 0) return;
  // Space that others took since it was looked for, or a signal: at the next look it may go well.
  if (number == ENOSPC || number == EDQUOT || number == ENOMEM || number == EINTR) return;
  failed_ = true;
  log::warning("no_ballast", "the ballast, which is given up when the disk is full, cannot be made",
               {{"file", path_}, {"error", std::generic_category().message(number)}});
}

bool ballast::give_up() {
  if (held_ == 0) return false;
  // Cut first: on some full disks the removal of a name needs space too.
  const bool cut = ::truncate(path_.c_str(), 0) == 0;
  const bool gone = ::unlink(path_.c_str()) == 0;
  log::warning("ballast_given_up", "no space is left: the ballast makes some", {{"file", path_}, {"bytes", held_}});
  held_ = 0;
  return cut || gone;
}

int ballast::allocate() const {
  const int file = open_private(path_);
  if (file < 0) return errno;
  const auto bytes = static_cast<off_t>(wanted_);
  int failed = ::ftruncate(file, std::min(bytes, static_cast<off_t>(held_))) == 0 ? 0 : errno;
  if (failed == 0) failed = ::posix_fallocate(file, 0, bytes);
  ::close(file);
  return failed;
}

}  // namespace millrace::store
