#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "store/watched_vfs.hpp"

namespace millrace::testing {

/// Records all operations of a program on its files, so that a test can make the files that a power failure between two
/// of them may leave.
class recorded_disk final : public file_watcher {
 public:
  int before_write(const std::string& file, std::string_view bytes, long long offset) override;
  int before_truncate(const std::string& file, long long bytes) override;
  int before_sync(const std::string& file) override;
  int before_remove(const std::string& file) override;
  void created(const std::string& file) override;
  void directory_synced() override;
  /// The program reports to a client that everything up to this batch is safe.
  void acknowledge(std::uint64_t batch);

  [[nodiscard]] std::size_t operations() const { return operations_.size(); }
  /// The number of truncations of that file.
  [[nodiscard]] std::size_t cuts_of(const std::string& file) const;

  /// The result of writes that were not synced when the power failed.
  enum class fate { dropped, kept, drawn };
  struct image {
    std::map<std::string, std::string> files;  ///< by their last name
    std::uint64_t acknowledged{0};
  };
  /// `drawn`: each write is dropped, kept or torn at random. The same fate applies to names that were created or
  /// removed since the last sync of their directory.
  [[nodiscard]] image after(std::size_t operations, fate unsynced_fate, std::mt19937_64& random) const;

 private:
  struct operation {
    enum class kind { create, write, truncate, sync, remove, sync_names, acknowledge } type;
    std::string file;
    std::string bytes;
    std::uint64_t number{0};  ///< offset, size or batch
  };
  int record(operation added);
  static void apply(const operation& change, std::string& content);
  class remains;

  std::mutex mutex_;
  std::vector<operation> operations_;
};

}  // namespace millrace::testing
