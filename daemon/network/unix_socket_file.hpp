#pragma once

#include <string>

#include <sys/types.h>

namespace millrace::network {

/// The file of a Unix socket that this process has bound. Only the process that bound it removes it: a program that
/// stops must not remove the file of its successor, which listens at the same path.
class unix_socket_file {
 public:
  unix_socket_file() = default;
  /// The file at `path`. Requires: called right after the bind.
  [[nodiscard]] static unix_socket_file at(std::string path) noexcept;

  /// Removes the file if it is still the same one. Requires: the socket is open, so that its inode number belongs to no
  /// other file.
  void remove() noexcept;

  /// A program that was killed leaves the file of its socket: true if no program listens at `path` and the file was
  /// removed.
  static bool remove_stale(const std::string& path);

 private:
  std::string path_;
  dev_t device_{0};
  ino_t inode_{0};
};

}  // namespace millrace::network
