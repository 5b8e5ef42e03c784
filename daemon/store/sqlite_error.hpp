#pragma once

#include <millrace/base/result.hpp>

struct sqlite3;

namespace millrace::store::sqlite {

/// The code of an error of SQLite; see sqlite.hpp. `system_errno`: of the call that failed, 0 if there was none.
[[nodiscard]] errc code_of(int status, int system_errno) noexcept;

/// The error of the last call on this connection.
[[nodiscard]] error failure_of(sqlite3* db);

}  // namespace millrace::store::sqlite
