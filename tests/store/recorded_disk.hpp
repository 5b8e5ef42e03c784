#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "store/watched_vfs.hpp"

namespace millrace::testing {

/// What a program did to its files, in order, so that a test can say what may be left of them if the power had failed
/// in between.
class recorded_disk final : public file_watcher {
 public:
  int before_write(const std::string& file, std::string_view bytes, long long offset) override;
  int before_truncate(const std::string& file, long long bytes) override;
  int before_sync(const std::string& file) override;
  int before_remove(const std::string& file) override;
  void created(const std::string& file) override;
  void directory_synced() override;
  /// The program says to somebody that everything up to here is safe.
  void acknowledge(std::uint64_t batch);

  [[nodiscard]] std::size_t operations() const { return done_.size(); }
  /// How often that file was cut.
  [[nodiscard]] std::size_t cuts_of(const std::string& file) const;

  /// What becomes of writes that were not synced when the power failed.
  enum class fate { dropped, kept, drawn };
  struct image {
    std::map<std::string, std::string> files;  ///< by their last name
    std::uint64_t acknowledged{0};
  };
  /// `drawn`: each is dropped, kept or torn at random. Names that were given and taken since their directory was synced
  /// share the fate.
  [[nodiscard]] image after(std::size_t operations, fate of_unsynced, std::mt19937_64& random) const;

 private:
  struct operation {
    enum class kind { create, write, truncate, sync, remove, sync_names, acknowledge } what;
    std::string file;
    std::string bytes;
    std::uint64_t number{0};  ///< offset, size or batch
  };
  int note(operation one);
  static void apply(const operation& one, std::string& to);
  class remains;

  std::mutex mutex_;
  std::vector<operation> done_;
};

}  // namespace millrace::testing
