#include "store/data_directory.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "base/system_message.hpp"
#include "store/ballast.hpp"
#include "store/private_file.hpp"
#include "store/schema.hpp"

namespace millrace::store {

namespace {

/// The byte of the data file that is locked: SQLite locks bytes around 2^30, and no file has data here.
constexpr off_t locked_byte = off_t{1} << 62u;

/// The owner of `path`, or of its directory if `path` cannot be looked at, for an error message. Empty when it belongs
/// to the user of this process.
std::string owner_of(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0 && ::stat(path.substr(0, path.rfind('/') + 1).c_str(), &facts) != 0) return {};
  if (facts.st_uid == ::geteuid()) return {};
  return " (it belongs to user " + std::to_string(facts.st_uid) + ", this process is user " +
         std::to_string(::geteuid()) + ")";
}

// Page size: a commit writes each page it touched once, and jobs that end touch others than jobs that come, so small
// pages are cheaper. Jobs put and deleted per second (tests/bench/store_bench.cpp), pages of 4 KiB against 16 KiB:
// bodies of 64 B in batches of 256: 542 k against 493 k; beside a million other jobs: 468 k against 372 k; bodies of
// 4 KiB in batches of 64: 100 k against 74 k. Only the start reads faster with large pages.
// auto_vacuum can be chosen only before the first table; `incremental` costs a word a page and lets the writer give
// pages back. Checkpoints are left to the writer (and setting wal_autocheckpoint would take the place of the
// connection's own hook). The cache holds the right edge of the tree and what is deleted on its left.
// A new file is made with a rollback journal, before there is a log: `EXTRA` makes the end of that journal durable too.
// Else it could be back after a power failure, and undo pages that were written long after it.
constexpr const char* settings = R"(
  PRAGMA synchronous = EXTRA;
  PRAGMA page_size = 4096;
  PRAGMA auto_vacuum = INCREMENTAL;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA journal_size_limit = 33554432;
  PRAGMA cache_size = -32768;
  PRAGMA temp_store = MEMORY;
)";

/// Makes the entry of the data directory in its parent durable, even if another process created the directory: that one
/// may have died before its own sync. Skipped if a data file exists, since it was done then, and if the parent cannot
/// be opened.
result<> sync_directory_entry(const std::string& path, const std::string& data_file) {
  if (::access(data_file.c_str(), F_OK) == 0) return {};
  return sync_directory(path + "/..");
}

result<sqlite::connection> open_and_prepare(const data_directory& directory, const char* vfs,
                                            bool (*is_interrupted)()) {
  auto made = sqlite::connection::open(directory.data_file(), sqlite::open_as::read_write, vfs, directory.lock_file());
  if (!made) return about(directory.data_file(), made.error());
  // First: nothing is written to a file that is no database, or not one of millrace.
  const auto version = version_of(*made);
  if (!version) {
    made->leave_log();
    return damage(directory, version.error());
  }
  if (const auto set = made->run(settings); !set) return damage(directory, set.error());
  // A migration copies all jobs in one transaction.
  made->interrupt_if(is_interrupted);
  const auto ready = prepare_schema(*made, *version);
  made->interrupt_if(nullptr);
  if (!ready) return damage(directory, ready.error());
  return made;
}

}  // namespace

result<data_directory> data_directory::open(const std::string& path) {
  data_directory made;
  made.path_ = path;
  made.made_ = make_private_directory(path);
  if (!made.made_) {
    if (errno != EEXIST) return system_error(path);
    struct stat facts {};
    if (::stat(path.c_str(), &facts) == 0 && !S_ISDIR(facts.st_mode)) {
      return error{errc::io, path + ": is a file, not a directory: name a directory for the data"};
    }
  }
  if (const auto safe = sync_directory_entry(path, made.data_file()); !safe) return safe.error();
  const std::string lock = made.lock_file();
  made.lock_ = open_private(lock);
  if (made.lock_ < 0) return system_error(lock);
  if (::flock(made.lock_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return error{errc::refused, path + ": in use by another process"};
    return system_error(lock);
  }
  made.was_empty_ = ::access(made.data_file().c_str(), F_OK) != 0;
  if (const auto locked = made.lock_data_file(); !locked) {
    if (made.was_empty_ && locked.error().code != errc::refused) made.undo();
    return locked.error();
  }
  return made;
}

result<data_directory> data_directory::open_read_only(const std::string& path) {
  data_directory made;
  made.path_ = path;
  made.read_only_ = true;
  // A copy may come without the lock file. Where there is one, a daemon that runs as another user may hold it.
  made.lock_ = ::open(made.lock_file().c_str(), O_RDONLY | O_CLOEXEC);
  if (made.lock_ >= 0 && ::flock(made.lock_, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return error{errc::refused, path + ": in use by another process"};
  }
  return made;
}

result<> data_directory::lock_data_file() {
  const std::string file = data_file();
  data_lock_ = open_private(file);
  if (data_lock_ < 0) return system_error(file);
  struct flock byte {};
  byte.l_type = F_WRLCK;
  byte.l_whence = SEEK_SET;
  byte.l_start = locked_byte;
  byte.l_len = 1;
  if (::fcntl(data_lock_, F_OFD_SETLK, &byte) == 0) return {};
  if (errno == EAGAIN || errno == EACCES) return error{errc::refused, path_ + ": in use by another process"};
  return system_error(file);
}

void data_directory::undo() {
  if (was_empty_) {
    for (const char* const behind : {"", "-wal", "-shm", "-journal"}) ::unlink((data_file() + behind).c_str());
  }
  if (made_) {
    ::unlink(lock_file().c_str());
    ::rmdir(path_.c_str());
  }
  close();
}

data_directory::data_directory(data_directory&& other) noexcept
    : path_{std::move(other.path_)},
      lock_{std::exchange(other.lock_, -1)},
      data_lock_{std::exchange(other.data_lock_, -1)},
      made_{other.made_},
      was_empty_{other.was_empty_},
      read_only_{other.read_only_} {}

data_directory& data_directory::operator=(data_directory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  std::swap(data_lock_, other.data_lock_);
  std::swap(made_, other.made_);
  std::swap(was_empty_, other.was_empty_);
  std::swap(read_only_, other.read_only_);
  return *this;
}

data_directory::~data_directory() { close(); }

void data_directory::close() noexcept {
  for (int* const descriptor : {&data_lock_, &lock_}) {
    if (*descriptor >= 0) ::close(std::exchange(*descriptor, -1));
  }
}

result<sqlite::connection> open_data_file(const data_directory& directory, const char* vfs, bool (*is_interrupted)()) {
  auto made = open_and_prepare(directory, vfs, is_interrupted);
  // Even to look into a log takes a page or two of the disk.
  const bool is_full = !made && made.error().code == errc::refused;
  if (is_full && ballast{directory.path(), 0}.give_up()) made = open_and_prepare(directory, vfs, is_interrupted);
  return made;
}

result<sqlite::connection> open_to_examine(const data_directory& directory) {
  const auto open = [&]() -> result<sqlite::connection> {
    const auto as = directory.read_only() ? sqlite::open_as::read_only_copy : sqlite::open_as::read_write;
    auto made = sqlite::connection::open(directory.data_file(), as, nullptr);
    if (!made) return about(directory.data_file(), made.error());
    if (const auto readable = made->number("PRAGMA schema_version"); !readable) return readable.error();
    return made;
  };
  auto made = open();
  const bool is_full = !made && made.error().code == errc::refused && !directory.read_only();
  if (is_full && ballast{directory.path(), 0}.give_up()) made = open();
  return made;
}

error system_error(const std::string& path) {
  const int number = errno;
  return {errc::io, path + ": " + system_message(number) + (number == EACCES ? owner_of(path) : std::string{})};
}

error about(const std::string& file, const error& found) { return {found.code, file + ": " + found.text}; }

error damage(const data_directory& directory, const error& found) {
  if (found.code != errc::invalid) return about(directory.data_file(), found);
  return invalid(directory.data_file() + " is damaged: " + found.text + "; millrace fsck " + directory.path() +
                 " says more");
}

result<> sync_directory(const std::string& path) {
  const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return errno == EACCES ? result<>{} : system_error(path);
  const bool failed = ::fsync(directory) != 0 && errno != EINVAL && errno != EROFS;
  const auto problem = failed ? system_error(path) : error{};
  ::close(directory);
  if (failed) return problem;
  return {};
}

std::uint64_t free_bytes_of(const std::string& path) noexcept {
  struct statvfs facts {};
  if (::statvfs(path.c_str(), &facts) != 0) return UINT64_MAX;
  return static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize;
}

}  // namespace millrace::store
