#include "store/recorded_disk.hpp"

#include <algorithm>
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

void recorded_disk::acknowledge(std::uint64_t batch) { note({operation::kind::acknowledge, {}, {}, batch}); }

int recorded_disk::note(operation one) {
  one.file = last_name(one.file);
  const std::lock_guard held{mutex_};
  done_.push_back(std::move(one));
  return ok;
}

void recorded_disk::apply(const operation& one, content& to) {
  if (one.what == operation::kind::remove) {
    to.reset();
    return;
  }
  if (!to) to.emplace();
  if (one.what == operation::kind::truncate) {
    to->resize(one.number);
  } else {
    to->resize(std::max<std::size_t>(to->size(), one.number + one.bytes.size()));
    to->replace(one.number, one.bytes.size(), one.bytes);
  }
}

recorded_disk::image recorded_disk::after(std::size_t operations, fate of_unsynced, std::mt19937_64& random) const {
  struct file {
    content synced;
    std::vector<const operation*> unsynced;
  };
  std::map<std::string, file> files;
  image made;
  for (std::size_t at = 0; at < operations; ++at) {
    const operation& one = done_[at];
    if (one.what == operation::kind::acknowledge) {
      made.acknowledged = std::max(made.acknowledged, one.number);
      continue;
    }
    file& it = files[one.file];
    if (one.what != operation::kind::sync) {
      it.unsynced.push_back(&one);
      continue;
    }
    for (const operation* const before : it.unsynced) apply(*before, it.synced);
    it.unsynced.clear();
  }
  for (auto& [name, it] : files) {
    for (const operation* const one : it.unsynced) {
      const auto lot = of_unsynced == fate::drawn ? random() % 3 : of_unsynced == fate::kept ? 1 : 0;
      if (lot == 1) apply(*one, it.synced);
      if (lot == 2 && one->what == operation::kind::write && one->bytes.size() > sector_bytes) {
        operation torn = *one;
        torn.bytes.resize(random() % (one->bytes.size() / sector_bytes) * sector_bytes);
        apply(torn, it.synced);
      }
    }
    if (it.synced) made.files[name] = std::move(*it.synced);
  }
  return made;
}

}  // namespace millrace::testing
