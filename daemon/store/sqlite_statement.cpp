// Rows and prepared statements.
#include <sqlite3.h>

#include <string>
#include <string_view>
#include <utility>

#include "store/sqlite.hpp"
#include "store/sqlite_error.hpp"

namespace millrace::store::sqlite {

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

void statement::bind(int index, std::int64_t value) noexcept { note(sqlite3_bind_int64(handle_, index, value)); }

void statement::bind_text(int index, std::string_view value) noexcept {
  note(
      sqlite3_bind_text64(handle_, index, value.empty() ? "" : value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void statement::bind_blob(int index, std::string_view value) noexcept {
  note(sqlite3_bind_blob64(handle_, index, value.empty() ? "" : value.data(), value.size(), SQLITE_STATIC));
}

void statement::bind_zeros(int index, std::uint64_t bytes) noexcept {
  note(sqlite3_bind_zeroblob64(handle_, index, bytes));
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

// A column is looked up once, as a value: recovery reads 11 of each job. `sqlite3_column_value` gives an unprotected
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

}  // namespace millrace::store::sqlite
