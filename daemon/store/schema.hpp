#pragma once

#include <cstdint>

#include <millrace/base/result.hpp>

#include "store/sqlite.hpp"

namespace millrace::store {

/// The tables of a data file, drawn in schema.cpp. The header of the file says whose it is (`application_id`) and which
/// version of the tables it has (`user_version`).
inline constexpr std::int64_t application_id = 0x6d696c6c;  // "mill"
inline constexpr std::int64_t schema_version = 1;

/// States as they stand on disk.
enum class state_on_disk : std::int64_t { ready = 0, delayed = 1, buried = 2 };

/// Makes the tables of a new file and brings those of an older version forward. Refused: the file of another program, and
/// one of a newer version.
[[nodiscard]] result<> prepare_schema(sqlite::connection& in);

}  // namespace millrace::store
