#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <millrace/base/result.hpp>

#include "store/lock_wait.hpp"

struct sqlite3;
struct sqlite3_backup;
struct sqlite3_stmt;
struct sqlite3_value;

/// SQLite as values. Errors carry SQLite's own words; their codes: `refused` no space is left on the disk or in memory,
/// `out_of_range` a value or a row is longer than SQLite allows, `timed_out` another connection holds a lock, or
/// no descriptor is left, `invalid` the file is no database or a damaged one, or a value is missing, `cancelled` the
/// caller stopped it, `unsupported` this SQLite has too low a limit of rows, `io` all else.
namespace millrace::store::sqlite {

/// Of every data file of millrace, in bytes; data_directory.cpp has the reason.
inline constexpr std::int64_t page_bytes = 4'096;

/// The values of one row: the columns at which a statement stands, or the arguments of a function that a statement
/// calls for a row.
class row_values {
 public:
  /// Columns count from 0. Texts and blobs are valid until the next step. False: the column is NULL or of another type.
  [[nodiscard]] bool read(int column, std::int64_t& value) noexcept;
  /// Whole numbers of consecutive columns. Returns how many were read before the first one that is no number.
  [[nodiscard]] std::size_t read(int first_column, std::span<std::int64_t> values) noexcept;
  [[nodiscard]] bool read_text(int column, std::string_view& value) noexcept;
  [[nodiscard]] bool read_blob(int column, std::string_view& value) noexcept;
  /// The text of a column of any type; empty for NULL.
  [[nodiscard]] std::string_view text(int column) noexcept;

 protected:
  row_values() noexcept = default;
  explicit row_values(sqlite3_value** values) noexcept : values_{values} {}
  friend class connection;

  sqlite3_stmt* handle_{nullptr};

 private:
  [[nodiscard]] sqlite3_value* value_of(int column) const noexcept;

  sqlite3_value** values_{nullptr};  ///< none: the columns of `handle_`
};

/// A prepared statement; belongs to its connection and ends before it. Bound text and blobs are not copied: they must
/// live until the statement has run.
class statement : public row_values {
 public:
  statement() noexcept = default;
  statement(statement&& other) noexcept;
  statement& operator=(statement&& other) noexcept;
  ~statement();

  /// Indexes count from 1. A value that cannot be bound is an error of the next step, which then does not run.
  void bind(int index, std::int64_t value) noexcept;
  void bind_text(int index, std::string_view value) noexcept;
  void bind_blob(int index, std::string_view value) noexcept;
  /// So many zeros, which `write_blob` replaces: unlike a blob that is bound, they take no memory.
  void bind_zeros(int index, std::uint64_t bytes) noexcept;
  /// True: a row stands ready; false: it has run to its end and may be bound again.
  [[nodiscard]] result<bool> step();
  /// Runs a statement that gives no rows, and makes it ready to be bound again.
  [[nodiscard]] result<> run();
  void reset() noexcept;
  /// Over the statement's connection: writes over a blob of a row, page by page and without a copy of it in memory.
  /// Requires: it has that length.
  [[nodiscard]] result<> write_blob(const char* table, const char* column, std::int64_t row, std::string_view bytes);

 private:
  friend class connection;
  void note(int status) noexcept;

  int bind_status_{0};  ///< the first one since the last step that is no success
};

enum class open_as {
  read_write,
  read_only,
  /// Nothing is written, not even the index of the log, and no locks are taken: for files that cannot be written.
  /// Requires: no other process writes them.
  read_only_copy
};

/// One connection; one thread at a time.
class connection {
 public:
  /// Makes the file if it is not there. `vfs`: nullptr is the system's. `mode_of`: a file whose permissions a new file
  /// gets, and its log and index with it, whatever the umask; empty: readable by all that the umask allows.
  [[nodiscard]] static result<connection> open(const std::string& path, open_as mode, const char* vfs,
                                               const std::string& mode_of = {});
  connection(connection&&) noexcept = default;
  connection& operator=(connection&&) noexcept = default;

  /// Every statement waits for the locks it needs, those of other processes included; `by` says how, and until when.
  /// Before the first call: with the default limits, sleeping. A statement that has given up fails with `timed_out`.
  void wait_for_locks(lock_wait by);

  /// `is_interrupted` is asked each millisecond or so while a statement runs; true ends the statement with `cancelled`.
  /// nullptr: never.
  void interrupt_if(bool (*is_interrupted)()) noexcept;

  /// Runs one or several statements without values.
  [[nodiscard]] result<> run(const char* sql);
  [[nodiscard]] result<statement> prepare(std::string_view sql);
  /// The number that a statement (a pragma, mostly) gives.
  [[nodiscard]] result<std::int64_t> number(std::string_view sql);
  /// The same for a statement that is prepared already; resets it. Requires: it belongs to this connection.
  [[nodiscard]] result<std::int64_t> number(statement& query);

  /// Hands the blob of a row to `on_piece` in pieces of at most `piece_bytes`, in order. `on_piece` returns false to
  /// stop; then the error is `cancelled`. Requires: a transaction is open.
  [[nodiscard]] result<> read_blob(const char* table, const char* column, std::int64_t row, std::size_t piece_bytes,
                                   const std::function<bool(std::string_view piece)>& on_piece);

  /// Makes `function` callable in statements as `name(number, blob)`.
  using sql_function = std::int64_t (*)(std::int64_t number, std::string_view blob);
  [[nodiscard]] result<> define(const char* name, sql_function function);

  /// Makes `name(column, ...)` callable in statements: it hands each row to `taker` and gives NULL. Such values are
  /// cheaper to read than columns of a statement, for which SQLite checks its state each time. Not while a statement
  /// runs. `taker` outlives its use; nullptr: rows are ignored.
  class row_taker {
   public:
    virtual void on_row(row_values& values) noexcept = 0;

   protected:
    ~row_taker() = default;
  };
  [[nodiscard]] result<> define_taker(const char* name, row_taker* taker);

  /// Pages in the write-ahead log after the last commit; 0 when all of them have been copied since.
  [[nodiscard]] int log_pages() const noexcept;
  /// Copies the log into the file as far as readers allow; true: all of it, so that the log begins anew. Does not wait
  /// for locks: false, and the caller tries again later. Else one who reads for a long time would hold up every commit.
  [[nodiscard]] result<bool> checkpoint();
  /// The same, and cuts the log to nothing.
  [[nodiscard]] result<bool> checkpoint_and_cut();
  /// How many pages the log has according to its index, which another process may have changed since the last commit.
  /// Copies as `checkpoint`.
  [[nodiscard]] result<int> count_log_pages();
  /// From now on closing the connection leaves the log as it is.
  void leave_log() noexcept;

 private:
  friend class page_copy;
  struct parts;
  struct closing {
    void operator()(parts* owned) const noexcept;
  };
  connection() = default;
  struct log_pages_found {
    int in_log;
    int copied;
  };
  [[nodiscard]] result<bool> checkpoint(int mode);
  /// `timed_out`: another connection is copying.
  [[nodiscard]] result<log_pages_found> copy_log(int mode);

  std::unique_ptr<parts, closing> parts_;
};

/// Copies all pages of one file into another one, which loses what it held. Both connections outlive it. While the
/// connection of the source is in a transaction, the copy is what that transaction sees.
class page_copy {
 public:
  [[nodiscard]] static result<page_copy> begin(connection& source, connection& target);

  /// Copies at most `pages_max` pages. True: all are copied, and the target is committed.
  [[nodiscard]] result<bool> step(int pages_max);
  /// After the first step: of the source, and those of them that are still to be copied.
  [[nodiscard]] int pages() const noexcept;
  [[nodiscard]] int pages_left() const noexcept;

 private:
  struct closing {
    void operator()(sqlite3_backup* handle) const noexcept;
  };
  page_copy(sqlite3_backup* handle, sqlite3* target) noexcept : handle_{handle}, target_{target} {}

  std::unique_ptr<sqlite3_backup, closing> handle_;
  sqlite3* target_;
};

/// Begun by `begin`; what is not committed when it ends is rolled back.
class transaction {
 public:
  [[nodiscard]] static result<transaction> begin(connection& data);
  transaction(transaction&& other) noexcept;
  transaction& operator=(transaction&&) = delete;
  ~transaction();

  [[nodiscard]] result<> commit();

 private:
  explicit transaction(connection& data) noexcept : data_{&data} {}
  connection* data_;
};

}  // namespace millrace::store::sqlite
