#include "store/index_guard.hpp"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cstdarg>
#include <cstdint>
#include <mutex>
#include <string_view>

namespace millrace::store {

namespace {

constexpr std::string_view index_suffix = "millrace.db-shm";
constexpr std::string_view deleted_suffix = " (deleted)";

std::atomic<bool> index_is_lost{false};
std::uintptr_t page_bytes{4'096};  // set before the handler
struct sigaction action_before {};

// --- what SQLite writes with ----------------------------------------------------------------------------------------

bool may_write() noexcept {
  if (!index_is_lost.load(std::memory_order_acquire)) return true;
  errno = EIO;
  return false;
}

ssize_t guarded_write(int file, const void* bytes, size_t count) {
  return may_write() ? ::write(file, bytes, count) : -1;
}
ssize_t guarded_pwrite(int file, const void* bytes, size_t count, off_t offset) {
  return may_write() ? ::pwrite(file, bytes, count, offset) : -1;
}
ssize_t guarded_pwrite64(int file, const void* bytes, size_t count, off64_t offset) {
  return may_write() ? ::pwrite64(file, bytes, count, offset) : -1;
}
int guarded_ftruncate(int file, off_t bytes) { return may_write() ? ::ftruncate(file, bytes) : -1; }
int guarded_unlink(const char* path) { return may_write() ? ::unlink(path) : -1; }

/// SQLite forgets a lock of its log whose release failed, but its process goes on holding it: every later wait for it
/// would be without end. The failure is hidden instead. Then the process holds the lock until the same bytes are
/// released again, with the next transaction; only other processes wait meanwhile.
int guarded_fcntl(int file, int command, ...) {
  std::va_list rest;
  va_start(rest, command);
  int done = 0;
  if (command == F_SETLK || command == F_SETLKW || command == F_GETLK) {
    auto* const lock = va_arg(rest, struct flock*);
    done = ::fcntl(file, command, lock);
    if (done != 0 && command == F_SETLK && lock->l_type == F_UNLCK) done = 0;
  } else {
    done = ::fcntl(file, command, va_arg(rest, int));
  }
  va_end(rest);
  return done;
}

template <class Function>
void replace(sqlite3_vfs& vfs, const char* name, Function* by) {
  // SQLite knows each of them, but does not use all on every system.
  if (vfs.xGetSystemCall(&vfs, name) != nullptr)
    vfs.xSetSystemCall(&vfs, name, reinterpret_cast<sqlite3_syscall_ptr>(by));
}

// --- the signal: only what a handler may call ------------------------------------------------------------------------

/// Reads /proc/self/maps in pieces, line by line.
class mappings {
 public:
  mappings() noexcept
      : file_{static_cast<int>(::syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC))} {}
  ~mappings() {
    if (file_ >= 0) ::syscall(SYS_close, file_);
  }
  mappings(const mappings&) = delete;
  mappings& operator=(const mappings&) = delete;

  /// The next line; of one that is too long, its beginning and its end. False: there is none.
  bool next(std::string_view& line) noexcept {
    std::size_t length = 0;
    for (char c = 0; next(c);) {
      if (c == '\n') {
        line = {line_, length};
        return true;
      }
      // The addresses stand at the beginning, the path at the end.
      if (length == sizeof line_) length = keep_end();
      line_[length++] = c;
    }
    return false;
  }

 private:
  static constexpr std::size_t beginning = 64;

  std::size_t keep_end() noexcept {
    constexpr std::size_t moved = (sizeof line_ - beginning) / 2;
    for (std::size_t n = 0; n < moved; ++n) line_[beginning + n] = line_[sizeof line_ - moved + n];
    return beginning + moved;
  }
  bool next(char& c) noexcept {
    if (at_ == size_) {
      const auto got = file_ < 0 ? 0 : ::syscall(SYS_read, file_, piece_, sizeof piece_);
      if (got <= 0) return false;
      size_ = static_cast<std::size_t>(got);
      at_ = 0;
    }
    c = piece_[at_++];
    return true;
  }

  int file_;
  char piece_[1'024]{};
  char line_[512]{};
  std::size_t at_{0};
  std::size_t size_{0};
};

std::uintptr_t hexadecimal(std::string_view& text) noexcept {
  std::uintptr_t value = 0;
  for (; !text.empty(); text.remove_prefix(1)) {
    const char c = text.front();
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) break;
    value = value << 4u | static_cast<std::uintptr_t>(digit);
  }
  return value;
}

bool is_in_index(std::uintptr_t address) noexcept {
  mappings all;
  for (std::string_view line; all.next(line);) {
    const auto from = hexadecimal(line);
    if (line.empty()) continue;
    line.remove_prefix(1);  // the hyphen
    const auto to = hexadecimal(line);
    if (address < from || address >= to) continue;
    if (line.ends_with(deleted_suffix)) line.remove_suffix(deleted_suffix.size());
    return line.ends_with(index_suffix);
  }
  return false;
}

/// The instruction that faulted runs again when this returns: on an empty page, or into the action of before.
void on_bus_error(int, siginfo_t* info, void*) {
  const int errno_before = errno;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  bool is_replaced = false;
  if (info->si_code == BUS_ADRERR && is_in_index(address)) {
    // First: a reader of the empty page must not be able to write.
    index_is_lost.store(true, std::memory_order_release);
    void* const page = static_cast<char*>(info->si_addr) - address % page_bytes;
    is_replaced =
        ::mmap(page, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page;
  }
  if (!is_replaced) ::sigaction(SIGBUS, &action_before, nullptr);
  errno = errno_before;
}

void install() {
  page_bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  if (sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr); vfs != nullptr && vfs->iVersion >= 3) {
    replace(*vfs, "write", guarded_write);
    replace(*vfs, "pwrite", guarded_pwrite);
    replace(*vfs, "pwrite64", guarded_pwrite64);
    replace(*vfs, "ftruncate", guarded_ftruncate);
    replace(*vfs, "unlink", guarded_unlink);
    replace(*vfs, "fcntl", guarded_fcntl);
  }
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  ::sigaction(SIGBUS, &action, &action_before);
}

}  // namespace

void guard_index() {
  static std::once_flag once;
  std::call_once(once, install);
  index_is_lost.store(false, std::memory_order_release);
}

}  // namespace millrace::store
