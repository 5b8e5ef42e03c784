// Replaces the calls that are about files. Each is made as a system call: the next function of that name may be a
// sanitizer's, which would call this one again.

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>

#include "control.hpp"

using fault_shim::attempt;
using fault_shim::call;
using fault_shim::file_of;

namespace {

int open_file(int directory, const char* path, int flags, mode_t mode) {
  const auto file = file_of(directory, path);
  const attempt now{call::open, file};
  if (now.fails()) return -1;
  const int made = static_cast<int>(::syscall(SYS_openat, directory, path, flags, mode));
  fault_shim::remember(made, made < 0 ? fault_shim::no_file : file);
  return made;
}

ssize_t write_at(int file, const void* bytes, std::size_t length, off_t place) {
  const attempt now{call::write, file_of(file)};
  if (now.fails()) return -1;
  return ::syscall(SYS_pwrite64, file, bytes, now.limit(length), place);
}

ssize_t read_at(int file, void* bytes, std::size_t length, off_t place) {
  const attempt now{call::read, file_of(file)};
  if (now.fails()) return -1;
  return ::syscall(SYS_pread64, file, bytes, length, place);
}

int resize(int file, off_t length) {
  const attempt now{call::truncate, file_of(file)};
  return now.fails() ? -1 : static_cast<int>(::syscall(SYS_ftruncate, file, length));
}

int resize(const char* path, off_t length) {
  const attempt now{call::truncate, file_of(path)};
  return now.fails() ? -1 : static_cast<int>(::syscall(SYS_truncate, path, length));
}

int allocate(int file, int mode, off_t place, off_t length) {
  const attempt now{call::allocate, file_of(file)};
  return now.fails() ? -1 : static_cast<int>(::syscall(SYS_fallocate, file, mode, place, length));
}

int sync(long number, int file) {
  const attempt now{call::sync, file_of(file)};
  return now.fails() ? -1 : static_cast<int>(::syscall(number, file));
}

int remove(int directory, const char* path, int flags) {
  const attempt now{call::unlink, file_of(directory, path)};
  return now.fails() ? -1 : static_cast<int>(::syscall(SYS_unlinkat, directory, path, flags));
}

int move(int from, const char* old_path, int to, const char* new_path) {
  const attempt now{call::rename, std::max(file_of(from, old_path), file_of(to, new_path))};
  return now.fails() ? -1 : static_cast<int>(::syscall(SYS_renameat2, from, old_path, to, new_path, 0));
}

int lock(int file, int command, void* argument) {
  const bool locks = command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK || command == F_OFD_SETLKW;
  const bool unlocks = locks && static_cast<const struct ::flock*>(argument)->l_type == F_UNLCK;
  const attempt now{unlocks ? call::unlock : call::lock, locks ? file_of(file) : fault_shim::no_file};
  return now.fails() ? -1 : static_cast<int>(::syscall(SYS_fcntl, file, command, argument));
}

void* map(void* address, std::size_t length, int protection, int flags, int file, off_t place) {
  const attempt now{call::map, file < 0 ? fault_shim::no_file : file_of(file)};
  if (now.fails()) return MAP_FAILED;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the address is the result of a system call
  return reinterpret_cast<void*>(::syscall(SYS_mmap, address, length, protection, flags, file, place));
}

mode_t mode_of(int flags, va_list more) {
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(more, mode_t) : mode_t{0};
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_file(AT_FDCWD, path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_file(AT_FDCWD, path, flags, mode);
}

int openat(int directory, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_file(directory, path, flags, mode);
}

int openat64(int directory, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_file(directory, path, flags, mode);
}

int close(int file) {
  fault_shim::forget(file);
  return static_cast<int>(::syscall(SYS_close, file));
}

int mkdir(const char* path, mode_t mode) noexcept {
  const attempt now{call::mkdir, file_of(path)};
  return now.fails() ? -1 : static_cast<int>(::syscall(SYS_mkdir, path, mode));
}

ssize_t read(int file, void* bytes, std::size_t length) {
  const attempt now{call::read, file_of(file)};
  return now.fails() ? -1 : ::syscall(SYS_read, file, bytes, length);
}

ssize_t write(int file, const void* bytes, std::size_t length) {
  const attempt now{call::write, file_of(file)};
  return now.fails() ? -1 : ::syscall(SYS_write, file, bytes, now.limit(length));
}

ssize_t pread(int file, void* bytes, std::size_t length, off_t place) { return read_at(file, bytes, length, place); }
ssize_t pread64(int file, void* bytes, std::size_t length, off_t place) { return read_at(file, bytes, length, place); }
ssize_t pwrite(int file, const void* bytes, std::size_t length, off_t place) {
  return write_at(file, bytes, length, place);
}
ssize_t pwrite64(int file, const void* bytes, std::size_t length, off_t place) {
  return write_at(file, bytes, length, place);
}

int ftruncate(int file, off_t length) noexcept { return resize(file, length); }
int ftruncate64(int file, off_t length) noexcept { return resize(file, length); }
int truncate(const char* path, off_t length) noexcept { return resize(path, length); }
int truncate64(const char* path, off_t length) noexcept { return resize(path, length); }

int fallocate(int file, int mode, off_t place, off_t length) { return allocate(file, mode, place, length); }
int fallocate64(int file, int mode, off_t place, off_t length) { return allocate(file, mode, place, length); }
int posix_fallocate(int file, off_t place, off_t length) { return allocate(file, 0, place, length) == 0 ? 0 : errno; }
int posix_fallocate64(int file, off_t place, off_t length) { return allocate(file, 0, place, length) == 0 ? 0 : errno; }

int fsync(int file) { return sync(SYS_fsync, file); }
int fdatasync(int file) { return sync(SYS_fdatasync, file); }

int unlink(const char* path) noexcept { return remove(AT_FDCWD, path, 0); }
int unlinkat(int directory, const char* path, int flags) noexcept { return remove(directory, path, flags); }
int rename(const char* from, const char* to) noexcept { return move(AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int from, const char* old_path, int to, const char* new_path) noexcept {
  return move(from, old_path, to, new_path);
}

int flock(int file, int operation) noexcept {
  const attempt now{(operation & LOCK_UN) != 0 ? call::unlock : call::lock, file_of(file)};
  return now.fails() ? -1 : static_cast<int>(::syscall(SYS_flock, file, operation));
}

int fcntl(int file, int command, ...) {
  va_list more;
  va_start(more, command);
  void* const argument = va_arg(more, void*);
  va_end(more);
  return lock(file, command, argument);
}

int fcntl64(int file, int command, ...) {
  va_list more;
  va_start(more, command);
  void* const argument = va_arg(more, void*);
  va_end(more);
  return lock(file, command, argument);
}

void* mmap(void* address, std::size_t length, int protection, int flags, int file, off_t place) noexcept {
  return map(address, length, protection, flags, file, place);
}

void* mmap64(void* address, std::size_t length, int protection, int flags, int file, off_t place) noexcept {
  return map(address, length, protection, flags, file, place);
}

int statvfs(const char* path, struct ::statvfs* facts) noexcept {
  struct ::statfs found {};
  if (::syscall(SYS_statfs, path, &found) != 0) return -1;
  *facts = {};
  facts->f_bsize = static_cast<unsigned long>(found.f_bsize);
  facts->f_frsize = static_cast<unsigned long>(found.f_frsize != 0 ? found.f_frsize : found.f_bsize);
  facts->f_blocks = found.f_blocks;
  facts->f_bfree = found.f_bfree;
  facts->f_bavail = found.f_bavail;
  const auto* const control = fault_shim::steered();
  if (control != nullptr && control->free_bytes != UINT64_MAX && file_of(path) != fault_shim::no_file) {
    facts->f_bavail = facts->f_bfree = control->free_bytes / facts->f_frsize;
  }
  return 0;
}

int statvfs64(const char* path, struct ::statvfs64* facts) noexcept {
  static_assert(sizeof(struct ::statvfs) == sizeof(struct ::statvfs64));
  return statvfs(path, reinterpret_cast<struct ::statvfs*>(facts));
}

}  // extern "C"
