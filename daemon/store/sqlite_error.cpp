#include "store/sqlite_error.hpp"

#include <errno.h>
#include <sqlite3.h>

#include <string>
#include <utility>

#include "base/system_message.hpp"

namespace millrace::store::sqlite {

namespace {

/// The error of the disk with which a read of the data file or of its log failed last; 0: there was none.
int read_errno_of(sqlite3* db) {
  const auto is_of_disk = [](int number) { return number == EIO || number == ENXIO || number == ERANGE; };
  int number = 0;
  if (sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &number) == SQLITE_OK && is_of_disk(number)) {
    return number;
  }
  sqlite3_file* log = nullptr;
  if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) != SQLITE_OK || log == nullptr ||
      log->pMethods == nullptr) {
    return 0;
  }
  const int status = log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &number);
  return status == SQLITE_OK && is_of_disk(number) ? number : 0;
}

}  // namespace

errc code_of(int status, int system_errno) noexcept {
  switch (status & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
      return errc::refused;
    case SQLITE_IOERR:
      // A sync that failed is never tried again, whatever the reason: what it did not write may be gone from the
      // system's memory.
      if (status == SQLITE_IOERR_FSYNC || status == SQLITE_IOERR_DIR_FSYNC) return errc::io;
      return system_errno == ENOSPC || system_errno == EDQUOT ? errc::refused : errc::io;
    case SQLITE_CANTOPEN:
      // Descriptors and memory come back.
      return system_errno == EMFILE || system_errno == ENFILE || system_errno == ENOMEM ? errc::timed_out : errc::io;
    case SQLITE_INTERRUPT:
      return errc::cancelled;
    case SQLITE_TOOBIG:
      return errc::out_of_range;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:  // others were faster each time it tried to read the index
      return errc::timed_out;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CONSTRAINT:
      return errc::invalid;
    default:
      return errc::io;
  }
}

error failure_of(sqlite3* db) {
  const int status = sqlite3_extended_errcode(db);
  const int system_errno = sqlite3_system_errno(db);
  std::string text = sqlite3_errmsg(db);
  if ((status & 0xff) == SQLITE_CORRUPT) {
    // SQLite reports a disk that cannot be read as a damaged file (SQLITE_IOERR_CORRUPTFS).
    if (const int number = read_errno_of(db); number != 0) {
      return {errc::io, "the disk cannot be read: " + system_message(number)};
    }
  }
  if ((status & 0xff) == SQLITE_IOERR || (status & 0xff) == SQLITE_CANTOPEN) {
    text += " (code " + std::to_string(status);
    if (system_errno != 0) text += ", " + system_message(system_errno);
    // What could not be opened for writing is tried for reading, and the first reason forgotten.
    if ((status & 0xff) == SQLITE_CANTOPEN && system_errno == ENOENT) text += ", or " + system_message(EMFILE);
    text += ")";
  }
  return {code_of(status, system_errno), std::move(text)};
}

}  // namespace millrace::store::sqlite
