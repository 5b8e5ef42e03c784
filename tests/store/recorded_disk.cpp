#include "store/recorded_disk.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace millrace::testing {

namespace {

constexpr std::size_t sector_bytes = 512;
constexpr int ok = 0;

std::string file_name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

int recorded_disk::before_write(const std::string& file, std::string_view bytes, long long offset) {
  return record({operation::kind::write, file, std::string{bytes}, static_cast<std::uint64_t>(offset)});
}

int recorded_disk::before_truncate(const std::string& file, long long bytes) {
  return record({operation::kind::truncate, file, {}, static_cast<std::uint64_t>(bytes)});
}

int recorded_disk::before_sync(const std::string& file) { return record({operation::kind::sync, file, {}, 0}); }

int recorded_disk::before_remove(const std::string& file) { return record({operation::kind::remove, file, {}, 0}); }

void recorded_disk::created(const std::string& file) { record({operation::kind::create, file, {}, 0}); }

void recorded_disk::directory_synced() { record({operation::kind::sync_names, {}, {}, 0}); }

void recorded_disk::acknowledge(std::uint64_t batch) { record({operation::kind::acknowledge, {}, {}, batch}); }

std::size_t recorded_disk::cuts_of(const std::string& file) const {
  return static_cast<std::size_t>(std::count_if(operations_.begin(), operations_.end(), [&](const operation& each) {
    return each.type == operation::kind::truncate && each.file == file;
  }));
}

int recorded_disk::record(operation added) {
  added.file = file_name_of(added.file);
  const std::lock_guard lock{mutex_};
  operations_.push_back(std::move(added));
  return ok;
}

void recorded_disk::apply(const operation& change, std::string& content) {
  if (change.type == operation::kind::truncate) {
    content.resize(change.number);
  } else {
    content.resize(std::max<std::size_t>(content.size(), change.number + change.bytes.size()));
    content.replace(change.number, change.bytes.size(), change.bytes);
  }
}

/// The synced content of a disk, and its unsynced changes. Files and their names are synced apart, names with the
/// directory.
class recorded_disk::remains {
 public:
  void take(const operation& next) {
    using kind = operation::kind;
    switch (next.type) {
      case kind::create:
        files_.emplace_back();
        current_names_[next.file] = files_.size() - 1;
        unsynced_names_.push_back({next.file, files_.size() - 1});
        break;
      case kind::remove:
        current_names_.erase(next.file);
        unsynced_names_.push_back({next.file, no_file});
        break;
      case kind::write:
      case kind::truncate:
        files_[current_names_.at(next.file)].unsynced.push_back(&next);
        break;
      case kind::sync: {
        auto& synced_file = files_[current_names_.at(next.file)];
        for (const operation* const before : synced_file.unsynced) apply(*before, synced_file.synced);
        synced_file.unsynced.clear();
        break;
      }
      case kind::sync_names:
        for (const auto& change : unsynced_names_) set_name(change);
        unsynced_names_.clear();
        break;
      case kind::acknowledge:
        break;
    }
  }

  std::map<std::string, std::string> lose_power(fate unsynced_fate, std::mt19937_64& random) {
    const auto draw = [&](unsigned lots) {
      return unsynced_fate == fate::drawn ? random() % lots : unsynced_fate == fate::kept ? 1 : 0;
    };
    for (auto& each : files_) {
      for (const operation* const write : each.unsynced) {
        const auto drawn = draw(3);
        if (drawn == 1) apply(*write, each.synced);
        if (drawn == 2 && write->type == operation::kind::write && write->bytes.size() > sector_bytes) {
          operation torn = *write;
          torn.bytes.resize(random() % (write->bytes.size() / sector_bytes) * sector_bytes);
          apply(torn, each.synced);
        }
      }
    }
    for (const auto& change : unsynced_names_) {
      if (draw(2) == 1) set_name(change);
    }
    std::map<std::string, std::string> left;
    for (const auto& [text, number] : names_) left[text] = std::move(files_[number].synced);
    return left;
  }

 private:
  static constexpr std::size_t no_file = SIZE_MAX;
  struct file {
    std::string synced;
    std::vector<const operation*> unsynced;
  };
  struct name {
    std::string text;
    std::size_t file;  ///< its number
  };
  void set_name(const name& change) {
    names_.erase(change.text);
    if (change.file != no_file) names_.emplace(change.text, change.file);
  }

  std::vector<file> files_;
  std::map<std::string, std::size_t> current_names_, names_;
  std::vector<name> unsynced_names_;
};

recorded_disk::image recorded_disk::after(std::size_t operations, fate unsynced_fate, std::mt19937_64& random) const {
  remains left;
  image result;
  for (std::size_t i = 0; i < operations; ++i) {
    left.take(operations_[i]);
    if (operations_[i].type == operation::kind::acknowledge)
      result.acknowledged = std::max(result.acknowledged, operations_[i].number);
  }
  result.files = left.lose_power(unsynced_fate, random);
  return result;
}

}  // namespace millrace::testing
