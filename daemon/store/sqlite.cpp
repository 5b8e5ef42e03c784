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
#include "store/sqlite_error.hpp"
#include "store/sqlite_name.hpp"

namespace millrace::store::sqlite {

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

void connection::closing::operator()(parts* owned) const noexcept {
  // close_v2 always closes. The next process that opens the file repeats a final checkpoint that failed.
  static_cast<void>(sqlite3_close_v2(owned->db));
  delete owned;
}

result<connection> connection::open(const std::string& path, open_as mode, const char* vfs,
                                    const std::string& mode_of) {
  connection made;
  made.parts_.reset(new parts);
  // Without SQLite's own mutexes: a connection has one thread at a time.
  const int flags = SQLITE_OPEN_NOMUTEX |
                    (mode == open_as::read_write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
  const std::string name = name_of(path, mode, mode_of);
  const int as_uri = name == path ? 0 : SQLITE_OPEN_URI;
  if (sqlite3_open_v2(name.c_str(), &made.parts_->db, flags | as_uri, vfs) != SQLITE_OK) {
    if (made.parts_->db == nullptr) return error{errc::io, "no memory for a connection"};
    return failure_of(made.parts_->db);
  }
  if (sqlite3_limit(made.parts_->db, SQLITE_LIMIT_LENGTH, -1) < static_cast<int>(row_bytes_max)) {
    return error{errc::unsupported, "this SQLite allows rows of less than " + std::to_string(row_bytes_max) + " bytes"};
  }
  // SQLite falls back to reading when it cannot open a file for writing, and forgets why.
  if (mode == open_as::read_write && sqlite3_db_readonly(made.parts_->db, "main") == 1) {
    const int number = ::access(path.c_str(), W_OK) == 0 ? EMFILE : errno;
    return error{errc::io, "cannot be opened for writing: " + system_message(number)};
  }
  if (mode == open_as::read_only_copy) {
    // The index of the log is then kept in memory.
    const auto alone = sqlite3_exec(made.parts_->db, "PRAGMA locking_mode = EXCLUSIVE", nullptr, nullptr, nullptr);
    if (alone != SQLITE_OK) return failure_of(made.parts_->db);
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
  return number(*asked);
}

result<std::int64_t> connection::number(statement& query) {
  const auto row = query.step();
  parts_->locks->ended();
  std::int64_t value = 0;
  const bool is_number = !row || !*row || query.read(0, value);
  query.reset();
  if (!row) return row.error();
  if (!is_number) return invalid("a statement that should give a number gave something else");
  return value;
}

result<> connection::read_blob(const char* table, const char* column, std::int64_t row, std::size_t piece_bytes,
                               const std::function<bool(std::string_view piece)>& on_piece) {
  sqlite3_blob* opened = nullptr;
  if (parts_->ended(sqlite3_blob_open(parts_->db, "main", table, column, row, 0, &opened)) != SQLITE_OK) {
    return failure_of(parts_->db);
  }
  const std::unique_ptr<sqlite3_blob, int (*)(sqlite3_blob*)> blob{opened, sqlite3_blob_close};
  const auto bytes = static_cast<std::size_t>(sqlite3_blob_bytes(opened));
  std::string piece;
  for (std::size_t at = 0; at < bytes; at += piece.size()) {
    piece.resize(std::min(piece_bytes, bytes - at));
    const int status = sqlite3_blob_read(opened, piece.data(), static_cast<int>(piece.size()), static_cast<int>(at));
    if (parts_->ended(status) != SQLITE_OK) return failure_of(parts_->db);
    if (!on_piece(piece)) return error{errc::cancelled, "reading was stopped"};
  }
  return {};
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
    if (by != nullptr) by->on_row(given);
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

result<page_copy> page_copy::begin(connection& source, connection& target) {
  auto* const handle = sqlite3_backup_init(target.parts_->db, "main", source.parts_->db, "main");
  if (handle == nullptr) return failure_of(target.parts_->db);
  return page_copy{handle, target.parts_->db};
}

void page_copy::closing::operator()(sqlite3_backup* handle) const noexcept {
  static_cast<void>(sqlite3_backup_finish(handle));
}

result<bool> page_copy::step(int pages_max) {
  const int status = sqlite3_backup_step(handle_.get(), pages_max);
  if (status == SQLITE_OK) return false;
  if (status == SQLITE_DONE) return true;
  handle_.reset();  // only now the connection of the target tells the failure
  return failure_of(target_);
}

int page_copy::pages() const noexcept { return sqlite3_backup_pagecount(handle_.get()); }

int page_copy::pages_left() const noexcept { return sqlite3_backup_remaining(handle_.get()); }

result<transaction> transaction::begin(connection& data) {
  if (const auto begun = data.run("BEGIN IMMEDIATE"); !begun) return begun.error();
  return transaction{data};
}

transaction::transaction(transaction&& other) noexcept : data_{std::exchange(other.data_, nullptr)} {}

transaction::~transaction() {
  // Some errors roll back by themselves; then there is nothing left to do, and saying so is no failure.
  if (data_ != nullptr) static_cast<void>(data_->run("ROLLBACK"));
}

result<> transaction::commit() {
  if (const auto done = data_->run("COMMIT"); !done) return done.error();
  data_ = nullptr;
  return {};
}

}  // namespace millrace::store::sqlite
