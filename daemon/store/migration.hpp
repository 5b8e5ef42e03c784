#pragma once

#include <cstdint>

#include <millrace/base/result.hpp>

#include "store/sqlite.hpp"

namespace millrace::store {

/// The statements that created the tables of an older version. Requires: 1 <= version < schema_version.
[[nodiscard]] std::string tables_of_older(std::int64_t version);

/// Copies the tables of that version into those of the present one. The error names a row that cannot be copied.
/// Requires: a transaction of the caller is open.
[[nodiscard]] result<> migrate_from(sqlite::connection& data, std::int64_t version);

}  // namespace millrace::store
