#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <millrace/base/result.hpp>

namespace millrace::store {

/// Detects that a file of a store was deleted, replaced or truncated since it was opened: acknowledged jobs are lost
/// with it, and the lock of a deleted file keeps no second daemon out. A check is one `statx` call for each file, since
/// it runs with each commit. It does not request times: after such a request, Linux (6.13) gives the next write a time
/// of its own, so that the next sync has to write the inode as well. No file is opened: closing any descriptor of the
/// data file would drop SQLite's locks, which belong to the process.
///
/// Belongs to the writer's thread.
class file_guard {
 public:
  struct file_id {
    std::uint32_t device_major{0}, device_minor{0};
    std::uint64_t number{0};
    bool operator==(const file_id&) const = default;
  };

  /// The data file and the lock file are those behind the descriptors, which stay open for as long as this is used: a
  /// file that was deleted since the start is noticed. The log and its index are those that stand under their names
  /// now.
  file_guard(const std::string& data_file, const std::string& lock_file, int data_descriptor, int lock_descriptor);

  /// Each file but the log is there, under its name, and the index has not become shorter.
  [[nodiscard]] result<> check();
  /// The log alone: it is there, under its name. Its size is known afterwards.
  [[nodiscard]] result<> check_log() { return check(log_); }
  /// The index alone: what was read through a truncated one may be out of date, so nothing that was read may be
  /// committed or copied.
  [[nodiscard]] result<> check_index();
  /// Requires: `check` has just passed. The data file has not become shorter since the last call, or it has all pages
  /// that its header counts, as after a cut by SQLite. The header alone says nothing: copying the log may have ended
  /// between the first page and those that make the file longer.
  [[nodiscard]] bool data_is_whole();
  /// Sizes at the last check; 0: there was no such file.
  [[nodiscard]] std::uint64_t data_bytes() const { return data_.bytes; }
  [[nodiscard]] std::uint64_t log_bytes() const { return log_.bytes; }
  [[nodiscard]] error truncated_data() const { return lost(data_, "truncated"); }
  [[nodiscard]] error truncated_log() const { return lost(log_, "truncated"); }

 private:
  struct guarded {
    std::string path;
    file_id id{};
    std::uint64_t bytes{0};  ///< at the last check
    std::uint64_t bytes_least{0};
    bool is_known{false};  ///< its device and number are known
  };
  static void identify(guarded& file, int descriptor);
  [[nodiscard]] static result<> check(guarded& file);
  [[nodiscard]] bool has_counted_pages(std::uint64_t bytes) const;
  [[nodiscard]] static error lost(const guarded& file, const char* fate);

  guarded data_, log_, index_, lock_;
  int data_descriptor_;
};

}  // namespace millrace::store
