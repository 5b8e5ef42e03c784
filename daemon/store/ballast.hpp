#pragma once

#include <cstdint>
#include <string>

namespace millrace::store {

/// A file that only takes up space: the part of `disk_reserve` that no other program can take. It is given up when a
/// batch finds no space, so that deletes can still be written, and made again when there is space. A data directory
/// without it is complete. Owned by `upkeep`, or by the opening of a data directory on a full disk; one thread at a
/// time.
class ballast {
 public:
  static constexpr const char* file_name = "millrace.ballast";

  /// Notes the file of an earlier process; creates nothing.
  ballast(const std::string& directory, std::uint64_t disk_reserve);

  /// Bytes that `give_up` would free; 0: there is no file.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return held_; }
  /// Creates the file, or gives it the size that `disk_reserve` asks for now. Without space there is no file, and a
  /// later call tries again. Any other failure is logged, and later calls do nothing.
  void make();
  /// Removes the file. False: this freed nothing.
  bool give_up();

 private:
  [[nodiscard]] int allocate() const;

  std::string path_;
  std::uint64_t wanted_;
  std::uint64_t held_{0};
  bool failed_{false};
};

}  // namespace millrace::store
