#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <millrace/base/result.hpp>

#include "store/sqlite.hpp"

namespace millrace::store {

/// The tables of a data file, drawn in schema.cpp. The header of the file says whose it is (`application_id`) and which
/// version of the tables it has (`user_version`).
inline constexpr std::int64_t application_id = 0x6d696c6c;  // "mill"
inline constexpr std::int64_t schema_version = 4;

/// States as they stand on disk.
enum class state_on_disk : std::int64_t { ready = 0, delayed = 1, buried = 2 };

/// The version of the tables in a file of millrace; 0: the file is new and has none. Only reads. Refused: the file of
/// another program, and a file of a newer version.
[[nodiscard]] result<std::int64_t> version_of(sqlite::connection& data);

/// Creates the tables of a new file, and migrates those of an older version in one transaction, which it logs.
/// `version`: that of the file, from `version_of`. Refused: tables that differ from those millrace creates. The error
/// names a row that cannot be migrated.
[[nodiscard]] result<> prepare_schema(sqlite::connection& data, std::int64_t version);

/// How the schema of the file differs from the one that millrace creates for `version`, one sentence each: foreign or
/// missing tables, indexes, views and triggers, and tables with other columns. `version` is between 1 and
/// `schema_version`.
[[nodiscard]] result<std::vector<std::string>> schema_differences(sqlite::connection& data, std::int64_t version);

/// Makes `checksum_of(id, body)` callable in statements on this connection: what the rows of version 1 are missing.
[[nodiscard]] result<> define_checksum(sqlite::connection& data);

/// The statements that create the tables of `version`.
[[nodiscard]] std::string tables_of(std::int64_t version);

}  // namespace millrace::store
