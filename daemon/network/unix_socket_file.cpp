#include "network/unix_socket_file.hpp"

#include <cerrno>
#include <utility>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace millrace::network {

unix_socket_file unix_socket_file::at(std::string path) noexcept {
  struct stat found {};
  unix_socket_file file;
  if (::lstat(path.c_str(), &found) != 0) return file;
  file.path_ = std::move(path);
  file.device_ = found.st_dev;
  file.inode_ = found.st_ino;
  return file;
}

void unix_socket_file::remove() noexcept {
  struct stat found {};
  if (path_.empty() || ::lstat(path_.c_str(), &found) != 0) return;
  if (found.st_dev == device_ && found.st_ino == inode_) ::unlink(path_.c_str());
}

bool unix_socket_file::remove_stale(const std::string& path) {
  struct stat found {};
  if (path.empty() || ::lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return false;
  sockaddr_un target{};
  target.sun_family = AF_UNIX;
  if (path.size() >= sizeof target.sun_path) return false;
  path.copy(target.sun_path, path.size());
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return false;
  const bool is_stale =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&target), sizeof target) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  return is_stale && ::unlink(path.c_str()) == 0;
}

}  // namespace millrace::network
