#pragma once

#include <string>
#include <string_view>

namespace millrace::testing {

/// What stands between SQLite and the file system in a test. Called on whichever thread SQLite runs on; answers
/// SQLITE_OK, or the error that SQLite gets instead of what it asked for.
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
  /// A file that was not there has been made; and all names in a directory are made to last.
  virtual void created(const std::string& file) { static_cast<void>(file); }
  virtual void directory_synced() {}
  /// An exclusive lock of the log's index was taken (numbers of SQLite's WAL file format, 2.4.1); to return later
  /// stretches it.
  enum class index_lock { write = 0, checkpoint = 1, recover = 2 };
  virtual void locked(index_lock which) { static_cast<void>(which); }
};

/// The system's file system with somebody who watches, under a name for SQLite. One at a time.
class watched_vfs {
 public:
  explicit watched_vfs(file_watcher& by);
  ~watched_vfs();
  watched_vfs(const watched_vfs&) = delete;
  watched_vfs& operator=(const watched_vfs&) = delete;

  static constexpr const char* name = "millrace-watched";
};

}  // namespace millrace::testing
