#include "store/sqlite.hpp"

#include <errno.h>
#include <sqlite3.h>
#include <unistd.h>

#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/system_message.hpp"
#include "store/options.hpp"

namespace millrace::store::sqlite {

namespace {

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

/// A path as a part of a URI (RFC 3986): every byte that could mean something else is written in hexadecimal digits.
std::string in_uri(std::string_view path) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view{"/._-~"}.find(c) != std::string_view::npos;
    if (plain) {
      text += c;
    } else {
      text += '%';
      text += digits[byte >> 4u];
      text += digits[byte & 0xfu];
    }
  }
  return text;
}

}  // namespace

statement::statement(statement&& other) noexcept : bind_status_{std::exchange(other.bind_status_, SQLITE_OK)} {
  std::swap(handle_, other.handle_);
}

statement& statement::operator=(statement&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(bind_status_, other.bind_status_);
  return *this;
}

// The result is that of the last step, which was given there; so is that of a reset.
statement::~statement() { static_cast<void>(sqlite3_finalize(handle_)); }

void statement::note(int status) noexcept {
  if (bind_status_ == SQLITE_OK) bind_status_ = status;
}

void statement::bind(int place, std::int64_t value) noexcept { note(sqlite3_bind_int64(handle_, place, value)); }

void statement::bind_text(int place, std::string_view value) noexcept {
  note(
      sqlite3_bind_text64(handle_, place, value.empty() ? "" : value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void statement::bind_blob(int place, std::string_view value) noexcept {
  note(sqlite3_bind_blob64(handle_, place, value.empty() ? "" : value.data(), value.size(), SQLITE_STATIC));
}

void statement::bind_zeros(int place, std::uint64_t bytes) noexcept {
  note(sqlite3_bind_zeroblob64(handle_, place, bytes));
}

result<bool> statement::step() {
  if (const int unbound = std::exchange(bind_status_, SQLITE_OK); unbound != SQLITE_OK) {
    return error{code_of(unbound, 0), std::string{"a value cannot be bound: "} + sqlite3_errstr(unbound)};
  }
  const int status = sqlite3_step(handle_);
  if (status == SQLITE_ROW) return true;
  if (status == SQLITE_DONE) {
    reset();
    return false;
  }
  error failed = failure_of(sqlite3_db_handle(handle_));
  reset();
  return failed;
}

result<> statement::run() {
  const auto row = step();
  if (!row) return row.error();
  if (*row) reset();
  return {};
}

void statement::reset() noexcept { static_cast<void>(sqlite3_reset(handle_)); }

result<> statement::write_blob(const char* table, const char* column, std::int64_t row, std::string_view bytes) {
  sqlite3* const db = sqlite3_db_handle(handle_);
  sqlite3_blob* blob = nullptr;
  if (sqlite3_blob_open(db, "main", table, column, row, 1, &blob) != SQLITE_OK) return failure_of(db);
  result<> done;
  if (sqlite3_blob_write(blob, bytes.data(), static_cast<int>(bytes.size()), 0) != SQLITE_OK) {
    done = failure_of(db);
  }
  // Within a transaction, closing writes nothing.
  if (sqlite3_blob_close(blob) != SQLITE_OK && done) done = failure_of(db);
  return done;
}

sqlite3_value* row_values::value_of(int column) const noexcept {
  return values_ != nullptr ? values_[column] : sqlite3_column_value(handle_, column);
}

// A column is looked up once, as a value: recovery reads 17 of each row. `sqlite3_column_value` gives an unprotected
// value, which may be read here because a connection is used by one thread at a time.
bool row_values::read(int column, std::int64_t& value) noexcept {
  sqlite3_value* const found = value_of(column);
  if (sqlite3_value_type(found) != SQLITE_INTEGER) return false;
  value = sqlite3_value_int64(found);
  return true;
}

std::size_t row_values::read(int first_column, std::span<std::int64_t> values) noexcept {
  std::size_t count = 0;
  while (count < values.size() && read(first_column + static_cast<int>(count), values[count])) ++count;
  return count;
}

bool row_values::read_text(int column, std::string_view& value) noexcept {
  sqlite3_value* const found = value_of(column);
  if (sqlite3_value_type(found) != SQLITE_TEXT) return false;
  const auto bytes = static_cast<std::size_t>(sqlite3_value_bytes(found));
  // SQLite copies a text to end it with a zero: not for the empty error of every job.
  value = bytes == 0 ? std::string_view{}
                     : std::string_view{reinterpret_cast<const char*>(sqlite3_value_text(found)), bytes};
  return true;
}

bool row_values::read_blob(int column, std::string_view& value) noexcept {
  sqlite3_value* const found = value_of(column);
  if (sqlite3_value_type(found) != SQLITE_BLOB) return false;
  const auto* const bytes = static_cast<const char*>(sqlite3_value_blob(found));
  value = bytes == nullptr ? std::string_view{}
                           : std::string_view{bytes, static_cast<std::size_t>(sqlite3_value_bytes(found))};
  return true;
}

std::string_view row_values::text(int column) noexcept {
  sqlite3_value* const found = value_of(column);
  const auto* const bytes = sqlite3_value_text(found);
  if (bytes == nullptr) return {};
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_value_bytes(found))};
}

struct connection::parts {
  sqlite3* db{nullptr};
  int log_pages{0};
  std::optional<lock_wait> locks;
  bool waits{true};  ///< for locks

  /// `status`, after a wait for a lock that it may have taken.
  int ended(int status) {
    locks->ended();
    return status;
  }
};

void connection::closing::operator()(parts* which) const noexcept {
  // It always closes; what could fail, the last copying of the log, is made good by the next who opens the file.
  static_cast<void>(sqlite3_close_v2(which->db));
  delete which;
}

result<connection> connection::open(const std::string& path, open_as how, const char* vfs, const std::string& mode_of) {
  connection made;
  made.parts_.reset(new parts);
  // Without SQLite's own mutexes: a connection has one thread at a time.
  const int flags = SQLITE_OPEN_NOMUTEX |
                    (how == open_as::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  const char* const before_path = path.starts_with('/') ? "file://" : "file:";
  const std::string name = mode_of.empty() ? path : before_path + in_uri(path) + "?modeof=" + in_uri(mode_of);
  const int as_uri = mode_of.empty() ? 0 : SQLITE_OPEN_URI;
  if (sqlite3_open_v2(name.c_str(), &made.parts_->db, flags | as_uri, vfs) != SQLITE_OK) {
    if (made.parts_->db == nullptr) return error{errc::io, "no memory for a connection"};
    return failure_of(made.parts_->db);
  }
  if (sqlite3_limit(made.parts_->db, SQLITE_LIMIT_LENGTH, -1) < static_cast<int>(row_bytes_max)) {
    return error{errc::unsupported, "this SQLite allows rows of less than " + std::to_string(row_bytes_max) + " bytes"};
  }
  // SQLite falls back to reading when it cannot open a file for writing, and forgets why.
  if (how == open_as::read_write && sqlite3_db_readonly(made.parts_->db, "main") == 1) {
    const int why = ::access(path.c_str(), W_OK) == 0 ? EMFILE : errno;
    return error{errc::io, "cannot be opened for writing: " + system_message(why)};
  }
  const auto note_pages = [](void* its, sqlite3*, const char*, int pages) {
    static_cast<parts*>(its)->log_pages = pages;
    return SQLITE_OK;
  };
  made.wait_for_locks({path, lock_wait_limits{}});
  const auto on_lock = [](void* its, int) {
    auto& all = *static_cast<parts*>(its);
    return all.waits && all.locks->wait() ? 1 : 0;
  };
  sqlite3_busy_handler(made.parts_->db, on_lock, made.parts_.get());
  // Takes the place of automatic checkpoints, which are left to the owner.
  sqlite3_wal_hook(made.parts_->db, note_pages, made.parts_.get());
  return made;
}

void connection::interrupt_if(bool (*is_interrupted)()) noexcept {
  // Of SQLite's virtual machine, which needs some hundred of them for a row.
  constexpr int instructions_between = 10'000;
  const auto ask = [](void* function) { return reinterpret_cast<bool (*)()>(function)() ? 1 : 0; };
  sqlite3_progress_handler(parts_->db, is_interrupted == nullptr ? 0 : instructions_between, ask,
                           reinterpret_cast<void*>(is_interrupted));
}

void connection::wait_for_locks(lock_wait by) { parts_->locks.emplace(std::move(by)); }

result<> connection::run(const char* sql) {
  if (parts_->ended(sqlite3_exec(parts_->db, sql, nullptr, nullptr, nullptr)) != SQLITE_OK)
    return failure_of(parts_->db);
  return {};
}

result<statement> connection::prepare(std::string_view sql) {
  statement made;
  if (parts_->ended(sqlite3_prepare_v3(parts_->db, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                       &made.handle_, nullptr)) != SQLITE_OK) {
    return failure_of(parts_->db);
  }
  return made;
}

result<std::int64_t> connection::number(std::string_view sql) {
  auto asked = prepare(sql);
  if (!asked) return asked.error();
  const auto row = asked->step();
  parts_->locks->ended();
  if (!row) return row.error();
  std::int64_t value = 0;
  if (*row && !asked->read(0, value)) return invalid("what was asked for is not a number: " + std::string{sql});
  return value;
}

result<> connection::define(const char* name, sql_function function) {
  const auto call = [](sqlite3_context* context, int, sqlite3_value** values) {
    const auto by = reinterpret_cast<sql_function>(sqlite3_user_data(context));
    const auto* const bytes = static_cast<const char*>(sqlite3_value_blob(values[1]));
    const auto size = static_cast<std::size_t>(sqlite3_value_bytes(values[1]));
    sqlite3_result_int64(context, by(sqlite3_value_int64(values[0]), {bytes, size}));
  };
  if (sqlite3_create_function_v2(parts_->db, name, 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                 reinterpret_cast<void*>(function), call, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return failure_of(parts_->db);
  }
  return {};
}

result<> connection::define_taker(const char* name, row_taker* taker) {
  const auto call = [](sqlite3_context* context, int, sqlite3_value** values) {
    auto* const by = static_cast<row_taker*>(sqlite3_user_data(context));
    row_values given{values};
    if (by != nullptr) by->take(given);
  };
  if (sqlite3_create_function_v2(parts_->db, name, -1, SQLITE_UTF8, taker, call, nullptr, nullptr, nullptr) !=
      SQLITE_OK) {
    return failure_of(parts_->db);
  }
  return {};
}

int connection::log_pages() const noexcept { return parts_->log_pages; }

result<bool> connection::checkpoint() { return checkpoint(SQLITE_CHECKPOINT_PASSIVE); }

result<bool> connection::checkpoint_and_cut() { return checkpoint(SQLITE_CHECKPOINT_TRUNCATE); }

result<bool> connection::checkpoint(int mode) {
  const auto found = copy_log(mode);
  if (!found) return found.error().code == errc::timed_out ? result<bool>{false} : found.error();
  return found->in_log == found->copied;
}

result<connection::log_pages_found> connection::copy_log(int mode) {
  log_pages_found found{};
  parts_->waits = false;
  const int status = sqlite3_wal_checkpoint_v2(parts_->db, nullptr, mode, &found.in_log, &found.copied);
  parts_->waits = true;
  if (status != SQLITE_OK) return failure_of(parts_->db);
  if (found.in_log == found.copied) parts_->log_pages = 0;
  return found;
}

result<int> connection::count_log_pages() {
  const auto found = copy_log(SQLITE_CHECKPOINT_PASSIVE);
  if (!found) return found.error();
  return found->in_log;
}

void connection::leave_log() noexcept { sqlite3_db_config(parts_->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr); }

result<transaction> transaction::begin(connection& in) {
  if (const auto begun = in.run("BEGIN IMMEDIATE"); !begun) return begun.error();
  return transaction{in};
}

transaction::transaction(transaction&& other) noexcept : in_{std::exchange(other.in_, nullptr)} {}

transaction::~transaction() {
  // Some errors roll back by themselves; then there is nothing left to do, and saying so is no failure.
  if (in_ != nullptr) static_cast<void>(in_->run("ROLLBACK"));
}

result<> transaction::commit() {
  if (const auto done = in_->run("COMMIT"); !done) return done.error();
  in_ = nullptr;
  return {};
}

}  // namespace millrace::store::sqlite
