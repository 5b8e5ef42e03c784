#pragma once

#include <cstdint>
#include <string>

#include <millrace/base/result.hpp>

#include "store/sqlite.hpp"

namespace millrace::store {

/// The directory of a store: the data file with its log, and the locks that keep a second program out. The kernel holds
/// the locks and releases them when the process ends in any way. One lock is on a separate file and one on the data
/// file itself, so that a deleted lock file lets no other program in.
///
/// The lock of the data file belongs to an open file description (`F_OFD_SETLK`), on a byte far beyond those that
/// SQLite locks. Its descriptor stays open until this object is destroyed: the locks of SQLite belong to the process,
/// and closing any descriptor of the file would drop them. Requires: every connection to the file is closed before this
/// object is destroyed.
class data_directory {
 public:
  /// Makes the directory (not its parents) and an empty data file, and takes the locks. Refused: one of them is held by
  /// another process.
  [[nodiscard]] static result<data_directory> open(const std::string& path);
  /// The directory as it is, for one that cannot be written: nothing is made. Refused: another process holds the lock.
  [[nodiscard]] static result<data_directory> open_read_only(const std::string& path);
  data_directory(data_directory&& other) noexcept;
  data_directory& operator=(data_directory&& other) noexcept;
  ~data_directory();

  /// Removes the directory and the data file, each only if `open` created it, and releases the locks: for a caller that
  /// failed to fill them.
  void undo();

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string data_file() const { return path_ + "/millrace.db"; }
  [[nodiscard]] std::string lock_file() const { return path_ + "/millrace.lock"; }
  /// Of the data file: open as long as this object exists; -1 after `open_read_only`.
  [[nodiscard]] int data_descriptor() const noexcept { return data_lock_; }
  [[nodiscard]] int lock_descriptor() const noexcept { return lock_; }
  [[nodiscard]] bool read_only() const noexcept { return read_only_; }

 private:
  data_directory() = default;
  [[nodiscard]] result<> lock_data_file();
  void close() noexcept;

  std::string path_;
  int lock_{-1};
  int data_lock_{-1};
  bool made_{false};       ///< the directory
  bool was_empty_{false};  ///< it had no data file
  bool read_only_{false};
};

/// The data file of a locked directory, ready for use: created or migrated, with the settings that the writer needs.
/// `vfs`: nullptr is the system's. `is_interrupted` is asked while the file is migrated: true leaves it as it was, with
/// the error `cancelled`. The error names the file, and says how to look at a damaged one.
[[nodiscard]] result<sqlite::connection> open_data_file(const data_directory& directory, const char* vfs,
                                                        bool (*is_interrupted)() = nullptr);
/// The data file as it is, without tables being created or migrated, and without the settings of the writer.
[[nodiscard]] result<sqlite::connection> open_to_examine(const data_directory& directory);
/// The failure of the last system call, which was about this path.
[[nodiscard]] error system_error(const std::string& path);
/// The error with the path of the file before its text.
[[nodiscard]] error about(const std::string& file, const error& found);
/// The same; if the file is damaged (`invalid`), the text says so and how to look at the file.
[[nodiscard]] error damage(const data_directory& directory, const error& found);

/// Makes what was created, removed or renamed in a directory durable. Succeeds where the file system cannot do that.
[[nodiscard]] result<> sync_directory(const std::string& path);

/// Bytes that may still be written to the file system of `path`; the greatest number if it does not say.
[[nodiscard]] std::uint64_t free_bytes_of(const std::string& path) noexcept;

}  // namespace millrace::store
