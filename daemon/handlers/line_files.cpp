#include "handlers/line_files.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/log.hpp"
#include "base/system_message.hpp"

namespace millrace::handlers {

namespace {

/// Reduced by the umask.
constexpr mode_t file_mode = 0666;

error failure_of(const std::string& path, const char* problem, int number) {
  if (number == ENOSPC || number == EDQUOT) return {errc::io, "no space is left for " + path};
  return {errc::io, path + " " + problem + ": " + system_message(number)};
}

bool ends_within_a_line(int descriptor, off_t size) {
  char last = '\n';
  return size > 0 && ::pread(descriptor, &last, 1, size - 1) == 1 && last != '\n';
}

/// The entry of a new file in its directory. A file whose directory cannot be opened is synced without it.
void sync_directory_of(const std::string& path) {
  auto directory = std::filesystem::path{path}.parent_path().string();
  if (directory.empty()) directory = ".";
  const int opened = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return;
  static_cast<void>(::fsync(opened));
  ::close(opened);
}

int open_to_append(const char* path, int more_flags) {
  // Without O_NONBLOCK, opening a device may wait.
  return ::open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | more_flags, file_mode);
}

}  // namespace

struct line_files::file {
  file(std::string named, int opened) : path{std::move(named)}, descriptor{opened} {}
  ~file() { ::close(descriptor); }
  file(const file&) = delete;
  file& operator=(const file&) = delete;

  /// Another file has the name now, or none.
  [[nodiscard]] bool was_replaced() const {
    struct stat named {};
    return ::stat(path.c_str(), &named) != 0 || named.st_dev != device || named.st_ino != inode;
  }

  std::string path;
  int descriptor;
  dev_t device{};
  ino_t inode{};
  instant used_at{};
  bool has_unsynced{false};
  bool ends_within_line{false};  ///< a newline must come before the next line
};

line_files::line_files(line_sync sync, std::size_t files_max) : sync_{sync}, files_max_{files_max} {}

line_files::~line_files() = default;

void line_files::add(std::shared_ptr<line> added) {
  const std::lock_guard hold{lock_};
  pending_.push_back(std::move(added));
}

void line_files::withdraw(line& withdrawn) {
  const std::lock_guard hold{lock_};
  withdrawn.withdrawn = true;
}

result<std::string> line_files::write(const line& wanted) {
  if (!wanted.outcome) write_pending();
  if (!wanted.outcome) return error{errc::cancelled, "the line was withdrawn"};
  return *wanted.outcome;
}

void line_files::write_pending() {
  std::vector<std::shared_ptr<line>> taken;
  std::vector<std::pair<const std::string*, lines>> groups;  // in the order of their first lines
  {
    const std::lock_guard hold{lock_};
    taken.swap(pending_);
    std::erase_if(taken, [](const auto& one) { return one->withdrawn; });
  }
  std::unordered_map<std::string_view, std::size_t> indexes;
  for (const auto& one : taken) {
    const auto [entry, is_new] = indexes.try_emplace(one->path, groups.size());
    if (is_new) groups.emplace_back(&one->path, lines{});
    groups[entry->second].second.push_back(one.get());
  }
  for (const auto& [path, group] : groups) write_to(*path, group);
}

void line_files::write_to(const std::string& path, const lines& group) {
  auto outcome = [&]() -> result<std::string> {
    auto found = find_or_open(path);
    if (!found) return found.error();
    file& into = **found;
    into.used_at = group.back()->now;
    auto next = group.begin();
    auto written = result<std::string>{std::string{}};
    while (written && next != group.end()) written = append(into, next, group.end());
    if (next != group.begin()) into.has_unsynced = true;
    if (sync_ == line_sync::each && into.has_unsynced) {
      if (::fdatasync(into.descriptor) != 0) return failure_of(path, "cannot be synced", errno);
      into.has_unsynced = false;
    }
    for (auto done = group.begin(); done != next; ++done) (*done)->outcome = std::string{};
    return written;
  }();
  for (auto* const one : group) {
    if (!one->outcome) one->outcome = outcome;
  }
}

/// Appends lines from `next` on with one write, and moves `next` behind those that are in the file.
result<std::string> line_files::append(file& into, lines::const_iterator& next, lines::const_iterator end) {
  std::string text = into.ends_within_line ? "\n" : "";
  std::vector<std::size_t> ends;
  for (auto each = next; each != end && text.size() < write_bytes_max; ++each) {
    text += (*each)->content.view();
    text += '\n';
    ends.push_back(text.size());
  }
  struct stat before {};
  if (::fstat(into.descriptor, &before) != 0) return failure_of(into.path, "cannot be written", errno);

  std::size_t written = 0;
  int failure = 0;
  while (written < text.size() && failure == 0) {
    const auto bytes = ::write(into.descriptor, text.data() + written, text.size() - written);
    if (bytes >= 0) {
      written += static_cast<std::size_t>(bytes);
    } else if (errno != EINTR) {
      failure = errno;
    }
  }
  const auto whole = std::ranges::upper_bound(ends, written) - ends.begin();
  next += whole;
  if (written != 0) into.ends_within_line = false;
  if (failure == 0) return std::string{};

  const auto kept = whole == 0 ? std::size_t{0} : ends[static_cast<std::size_t>(whole) - 1];
  if (kept != written) {
    struct stat after {};
    const bool is_last =
        ::fstat(into.descriptor, &after) == 0 && after.st_size == before.st_size + static_cast<off_t>(written);
    const bool was_cut = is_last && ::ftruncate(into.descriptor, before.st_size + static_cast<off_t>(kept)) == 0;
    into.ends_within_line = !was_cut || (kept == 0 && ends_within_a_line(into.descriptor, before.st_size));
  }
  return failure_of(into.path, "cannot be written", failure);
}

result<line_files::file*> line_files::find_or_open(const std::string& path) {
  if (const auto found = by_path_.find(path); found != by_path_.end()) {
    if (!found->second->was_replaced()) {
      files_.splice(files_.begin(), files_, found->second);
      return &files_.front();
    }
    close(found->second);
  }
  while (files_.size() >= files_max_) close(std::prev(files_.end()));

  int opened = open_to_append(path.c_str(), 0);
  const bool is_new = opened < 0 && errno == ENOENT;
  if (is_new) opened = open_to_append(path.c_str(), O_CREAT);
  if (opened < 0) return failure_of(path, "cannot be opened", errno);
  auto& made = files_.emplace_front(path, opened);
  by_path_.emplace(made.path, files_.begin());
  open_.fetch_add(1, std::memory_order_relaxed);
  struct stat facts {};
  if (::fstat(opened, &facts) != 0 || !S_ISREG(facts.st_mode)) {
    close(files_.begin());
    return error{errc::io, path + " is no regular file"};
  }
  made.device = facts.st_dev;
  made.inode = facts.st_ino;
  made.ends_within_line = ends_within_a_line(opened, facts.st_size);
  if (is_new && sync_ == line_sync::each) sync_directory_of(path);
  return &made;
}

void line_files::sync_and_close(instant unused_since) {
  for (auto each = files_.begin(); each != files_.end();) {
    const auto present = each++;
    sync_by_interval(*present);
    if (present->used_at <= unused_since) close(present);
  }
}

void line_files::sync_by_interval(file& target) {
  if (sync_ != line_sync::interval || !std::exchange(target.has_unsynced, false)) return;
  if (::fdatasync(target.descriptor) == 0) return;
  log::warning("file_not_synced", failure_of(target.path, "cannot be synced", errno).text);
}

void line_files::close(std::list<file>::iterator closed) {
  sync_by_interval(*closed);
  by_path_.erase(closed->path);
  files_.erase(closed);
  open_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace millrace::handlers
