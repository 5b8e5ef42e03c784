#include "store/recorded_disk.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace millrace::testing {

namespace {

constexpr std::size_t sector_bytes = 512;
constexpr int ok = 0;

std::string last_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

int recorded_disk::before_write(const std::string& file, std::string_view bytes, long long offset) {
  return note({operation::kind::write, file, std::string{bytes}, static_cast<std::uint64_t>(offset)});
}

int recorded_disk::before_truncate(const std::string& file, long long bytes) {
  return note({operation::kind::truncate, file, {}, static_cast<std::uint64_t>(bytes)});
}

int recorded_disk::before_sync(const std::string& file) { return note({operation::kind::sync, file, {}, 0}); }

int recorded_disk::before_remove(const std::string& file) { return note({operation::kind::remove, file, {}, 0}); }

void recorded_disk::created(const std::string& file) { note({operation::kind::create, file, {}, 0}); }

void recorded_disk::directory_synced() { note({operation::kind::sync_names, {}, {}, 0}); }

void recorded_disk::acknowledge(std::uint64_t batch) { note({operation::kind::acknowledge, {}, {}, batch}); }

std::size_t recorded_disk::cuts_of(const std::string& file) const {
  return static_cast<std::size_t>(std::count_if(done_.begin(), done_.end(), [&](const operation& one) {
    return one.what == operation::kind::truncate && one.file == file;
  }));
}

int recorded_disk::note(operation one) {
  one.file = last_name(one.file);
  const std::lock_guard held{mutex_};
  done_.push_back(std::move(one));
  return ok;
}

void recorded_disk::apply(const operation& one, std::string& to) {
  if (one.what == operation::kind::truncate) {
    to.resize(one.number);
  } else {
    to.resize(std::max<std::size_t>(to.size(), one.number + one.bytes.size()));
    to.replace(one.number, one.bytes.size(), one.bytes);
  }
}

/// What the disk holds for certain, and what it may hold. A file is one thing, and its name another, which the
/// directory has.
class recorded_disk::remains {
 public:
  void take(const operation& one) {
    using kind = operation::kind;
    switch (one.what) {
      case kind::create:
        files_.emplace_back();
        now_[one.file] = files_.size() - 1;
        unsynced_names_.push_back({one.file, files_.size() - 1});
        break;
      case kind::remove:
        now_.erase(one.file);
        unsynced_names_.push_back({one.file, no_file});
        break;
      case kind::write:
      case kind::truncate:
        files_[now_.at(one.file)].unsynced.push_back(&one);
        break;
      case kind::sync: {
        file& it = files_[now_.at(one.file)];
        for (const operation* const before : it.unsynced) apply(*before, it.synced);
        it.unsynced.clear();
        break;
      }
      case kind::sync_names:
        for (const auto& it : unsynced_names_) set_name(it);
        unsynced_names_.clear();
        break;
      case kind::acknowledge:
        break;
    }
  }

  std::map<std::string, std::string> lose_power(fate of_unsynced, std::mt19937_64& random) {
    const auto lot = [&](unsigned lots) {
      return of_unsynced == fate::drawn ? random() % lots : of_unsynced == fate::kept ? 1 : 0;
    };
    for (auto& it : files_) {
      for (const operation* const one : it.unsynced) {
        const auto its_lot = lot(3);
        if (its_lot == 1) apply(*one, it.synced);
        if (its_lot == 2 && one->what == operation::kind::write && one->bytes.size() > sector_bytes) {
          operation torn = *one;
          torn.bytes.resize(random() % (one->bytes.size() / sector_bytes) * sector_bytes);
          apply(torn, it.synced);
        }
      }
    }
    for (const auto& it : unsynced_names_) {
      if (lot(2) == 1) set_name(it);
    }
    std::map<std::string, std::string> left;
    for (const auto& [text, which] : names_) left[text] = std::move(files_[which].synced);
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
    std::size_t which;
  };
  void set_name(const name& it) {
    names_.erase(it.text);
    if (it.which != no_file) names_.emplace(it.text, it.which);
  }

  std::vector<file> files_;
  std::map<std::string, std::size_t> now_, names_;
  std::vector<name> unsynced_names_;
};

recorded_disk::image recorded_disk::after(std::size_t operations, fate of_unsynced, std::mt19937_64& random) const {
  remains left;
  image made;
  for (std::size_t at = 0; at < operations; ++at) {
    left.take(done_[at]);
    if (done_[at].what == operation::kind::acknowledge)
      made.acknowledged = std::max(made.acknowledged, done_[at].number);
  }
  made.files = left.lose_power(of_unsynced, random);
  return made;
}

}  // namespace millrace::testing
