#pragma once

#include <string>
#include <string_view>

namespace millrace::testing {

/// Sees each operation of SQLite on its files, on the thread of SQLite. Returns SQLITE_OK to let the operation
/// happen, or the error that SQLite gets instead.
class file_watcher {
 public:
  virtual ~file_watcher() = default;
  virtual int before_read(const std::string& file, int bytes, long long offset) {
    static_cast<void>(file), static_cast<void>(bytes), static_cast<void>(offset);
    return 0;
  }
  virtual int before_write(const std::string& file, std::string_view bytes, long long offset) = 0;
  virtual int before_truncate(const std::string& file, long long bytes) = 0;
  virtual int before_sync(const std::string& file) = 0;
  virtual int before_remove(const std::string& file) = 0;
  /// A new file was created; and all names in a directory were synced.
  virtual void created(const std::string& file) { static_cast<void>(file); }
  virtual void directory_synced() {}
  /// SQLite took an exclusive lock of the log's index (numbers of SQLite's WAL file format, 2.4.1). The lock is held at
  /// least until this function returns.
  enum class index_lock { write = 0, checkpoint = 1, recover = 2 };
  virtual void locked(index_lock lock) { static_cast<void>(lock); }
};

/// Registers the system's file system with a watcher at SQLite. At most one object at a time.
class watched_vfs {
 public:
  explicit watched_vfs(file_watcher& watcher);
  ~watched_vfs();
  watched_vfs(const watched_vfs&) = delete;
  watched_vfs& operator=(const watched_vfs&) = delete;

  static constexpr const char* name = "millrace-watched";
};

}  // namespace millrace::testing
