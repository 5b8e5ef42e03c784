#pragma once

#include <string>

#include "store/sqlite.hpp"

namespace millrace::store::sqlite {

/// The name for sqlite3_open_v2: the path, or a URI with parameters. With `read_only_copy`, checks whether the file has
/// a log. `mode_of`: see `connection::open`.
[[nodiscard]] std::string name_of(const std::string& path, open_as mode, const std::string& mode_of);

}  // namespace millrace::store::sqlite
