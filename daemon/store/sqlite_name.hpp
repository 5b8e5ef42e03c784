#pragma once

#include <string>

#include "store/sqlite.hpp"

namespace millrace::store::sqlite {

/// What SQLite is given to open the file at `path`: the path itself, or a URI with parameters. Looks at the file's log
/// when `how` is `read_only_copy`. `mode_of`: see `connection::open`.
[[nodiscard]] std::string name_of(const std::string& path, open_as mode, const std::string& mode_of);

}  // namespace millrace::store::sqlite
