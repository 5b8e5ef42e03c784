#include "store/private_file.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace::store {

int open_private(const std::string& path) noexcept {
  const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, private_file_mode);
  // The umask has taken bits away.
  if (made >= 0 && ::fchmod(made, private_file_mode) != 0) {
    const int number = errno;
    ::close(made);
    errno = number;
    return -1;
  }
  if (made >= 0 || errno != EEXIST) return made;
  return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, private_file_mode);
}

bool make_private_directory(const std::string& path) noexcept {
  return ::mkdir(path.c_str(), private_directory_mode) == 0 && ::chmod(path.c_str(), private_directory_mode) == 0;
}

}  // namespace millrace::store
