#include "store/watched_vfs.hpp"

#include <sqlite3.h>
#include <sys/stat.h>

#include <cassert>
#include <cstddef>
#include <new>
#include <utility>

namespace millrace::testing {

namespace {

file_watcher* watcher = nullptr;
sqlite3_vfs* system_vfs = nullptr;
sqlite3_vfs watched{};

/// SQLite requires `base` first; the system's own file follows in memory.
struct watched_file {
  sqlite3_file base;
  std::string* path;
  sqlite3_file* real;
  bool synced;
};

watched_file& watched_file_of(sqlite3_file* file) { return *reinterpret_cast<watched_file*>(file); }
sqlite3_file* real(sqlite3_file* file) { return watched_file_of(file).real; }

int close(sqlite3_file* file) {
  const int status = real(file)->pMethods->xClose(real(file));
  delete watched_file_of(file).path;
  return status;
}
int read(sqlite3_file* file, void* target, int bytes, sqlite3_int64 offset) {
  if (const int status = watcher->before_read(*watched_file_of(file).path, bytes, offset); status != SQLITE_OK)
    return status;
  return real(file)->pMethods->xRead(real(file), target, bytes, offset);
}
int write(sqlite3_file* file, const void* source, int bytes, sqlite3_int64 offset) {
  const std::string_view content{static_cast<const char*>(source), static_cast<std::size_t>(bytes)};
  if (const int status = watcher->before_write(*watched_file_of(file).path, content, offset); status != SQLITE_OK)
    return status;
  return real(file)->pMethods->xWrite(real(file), source, bytes, offset);
}
int truncate(sqlite3_file* file, sqlite3_int64 bytes) {
  if (const int status = watcher->before_truncate(*watched_file_of(file).path, bytes); status != SQLITE_OK)
    return status;
  return real(file)->pMethods->xTruncate(real(file), bytes);
}
// Only the first sync of a file reaches the system: the machine of a test does not lose its power, so the watcher is
// enough. In the first sync of a new log or journal SQLite also syncs the directory, by opening it.
int sync(sqlite3_file* file, int flags) {
  if (const int status = watcher->before_sync(*watched_file_of(file).path); status != SQLITE_OK) return status;
  return std::exchange(watched_file_of(file).synced, true) ? SQLITE_OK : real(file)->pMethods->xSync(real(file), flags);
}
int size(sqlite3_file* file, sqlite3_int64* target) { return real(file)->pMethods->xFileSize(real(file), target); }
int lock(sqlite3_file* file, int level) { return real(file)->pMethods->xLock(real(file), level); }
int unlock(sqlite3_file* file, int level) { return real(file)->pMethods->xUnlock(real(file), level); }
int check_lock(sqlite3_file* file, int* target) { return real(file)->pMethods->xCheckReservedLock(real(file), target); }
int control(sqlite3_file* file, int operation, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), operation, argument);
}
int sector_size(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
// No guarantees, so that SQLite syncs as for the worst disk.
int characteristics(sqlite3_file*) { return 0; }
int shm_map(sqlite3_file* file, int page, int bytes, int extend, volatile void** into) {
  return real(file)->pMethods->xShmMap(real(file), page, bytes, extend, into);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  const int status = real(file)->pMethods->xShmLock(real(file), offset, count, flags);
  if (status == SQLITE_OK && (flags & SQLITE_SHM_LOCK) != 0 && (flags & SQLITE_SHM_EXCLUSIVE) != 0) {
    for (int lock = offset; lock < offset + count; ++lock) watcher->locked(static_cast<file_watcher::index_lock>(lock));
  }
  return status;
}
void shm_barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
int shm_unmap(sqlite3_file* file, int remove) { return real(file)->pMethods->xShmUnmap(real(file), remove); }

const sqlite3_io_methods methods{
    2,         close,      read,    write,       truncate,        sync,    size,     lock,
    unlock,    check_lock, control, sector_size, characteristics, shm_map, shm_lock, shm_barrier,
    shm_unmap, nullptr,    nullptr};

using directory_opener = int (*)(const char* path, int* target);
sqlite3_syscall_ptr systems_opener = nullptr;

int open_directory(const char* path, int* target) {
  if (watcher != nullptr) watcher->directory_synced();
  return reinterpret_cast<directory_opener>(systems_opener)(path, target);
}

/// An empty data file counts as new: the program creates it for its lock before SQLite opens it.
bool is_made_by_opening(const char* path, int flags) {
  struct stat facts {};
  if (path == nullptr) return false;
  return ::stat(path, &facts) != 0 || ((flags & SQLITE_OPEN_MAIN_DB) != 0 && facts.st_size == 0);
}

int open(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* flags_out) {
  watched_file& opened = watched_file_of(file);
  opened.synced = false;
  const bool is_new = is_made_by_opening(path, flags);
  opened.real = reinterpret_cast<sqlite3_file*>(&opened + 1);
  opened.base.pMethods = nullptr;
  const int status = system_vfs->xOpen(system_vfs, path, opened.real, flags, flags_out);
  if (status != SQLITE_OK) return status;
  opened.path = new std::string{path == nullptr ? "" : path};
  opened.base.pMethods = &methods;
  if (is_new) watcher->created(path);
  return SQLITE_OK;
}

int remove(sqlite3_vfs*, const char* path, int with_directory_synced) {
  if (const int status = watcher->before_remove(path); status != SQLITE_OK) return status;
  return system_vfs->xDelete(system_vfs, path, with_directory_synced);
}

}  // namespace

watched_vfs::watched_vfs(file_watcher& file_watcher) {
  assert(watcher == nullptr);
  watcher = &file_watcher;
  system_vfs = sqlite3_vfs_find(nullptr);
  watched = *system_vfs;
  watched.pNext = nullptr;
  watched.zName = name;
  watched.szOsFile = static_cast<int>(sizeof(watched_file)) + system_vfs->szOsFile;
  watched.xOpen = open;
  watched.xDelete = remove;
  sqlite3_vfs_register(&watched, 0);
  systems_opener = system_vfs->xGetSystemCall(system_vfs, "openDirectory");
  system_vfs->xSetSystemCall(system_vfs, "openDirectory", reinterpret_cast<sqlite3_syscall_ptr>(open_directory));
}

watched_vfs::~watched_vfs() {
  system_vfs->xSetSystemCall(system_vfs, "openDirectory", systems_opener);
  sqlite3_vfs_unregister(&watched);
  watcher = nullptr;
}

}  // namespace millrace::testing
