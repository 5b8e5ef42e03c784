#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>

#include <millrace/base/result.hpp>

namespace millrace::store {

/// Tells whether the files of a store are still those that were opened. A file that was deleted, replaced or truncated
/// takes acknowledged jobs with it, and the lock of a file that is gone keeps no second daemon out. Some `stat` calls,
/// no file is opened: closing any descriptor of the data file would drop SQLite's locks, which belong to the process.
///
/// Belongs to the writer's thread.
class file_guard {
 public:
  /// The data file and the lock file are those behind the descriptors, which stay open for as long as this is used: a file that was
  /// deleted since the start is noticed. The log and its index are those that stand under their names now.
  file_guard(const std::string& data_file, const std::string& lock_file, int data_descriptor, int lock_descriptor);

  /// Each file is there, under its name, and the index has not become shorter.
  [[nodiscard]] result<> check();
  /// The index alone: what was read through a truncated one may be out of date, so nothing that was read may be
  /// committed or copied.
  [[nodiscard]] result<> check_index();
  /// The data file has not become shorter since the last look, or it has all pages that its header counts, as after a
  /// cut by SQLite. The header alone says nothing: copying the log may have ended between the first page and those that
  /// make the file longer.
  [[nodiscard]] bool data_is_whole();
  [[nodiscard]] std::uint64_t data_bytes() const { return bytes_of(data_); }
  [[nodiscard]] std::uint64_t log_bytes() const { return bytes_of(log_); }
  [[nodiscard]] error truncated_data() const { return lost(data_, "truncated"); }
  [[nodiscard]] error truncated_log() const { return lost(log_, "truncated"); }

 private:
  struct guarded {
    std::string path;
    dev_t device{};
    ino_t number{};
    std::uint64_t bytes_least{0};
    bool is_known{false};  ///< its device and number are known
  };
  static void identify(guarded& file, int descriptor);
  [[nodiscard]] static result<> check(guarded& file);
  [[nodiscard]] bool has_counted_pages(std::uint64_t bytes) const;
  [[nodiscard]] static std::uint64_t bytes_of(const guarded& file);
  [[nodiscard]] static error lost(const guarded& file, const char* fate);

  guarded data_, log_, index_, lock_;
  int data_descriptor_;
};

}  // namespace millrace::store
