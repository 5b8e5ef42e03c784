#pragma once

#include <string>

namespace millrace::store {

/// What files and directories of a store may be used by: their owner alone.
inline constexpr unsigned private_file_mode = 0600;
inline constexpr unsigned private_directory_mode = 0700;

/// Opens a file for reading and writing. One that it creates has `private_file_mode`, whatever the umask; one that is
/// there keeps its mode. Returns the descriptor, or -1 with `errno`.
[[nodiscard]] int open_private(const std::string& path) noexcept;
/// Creates a directory, not its parents, with `private_directory_mode`, whatever the umask. False with `errno`, also
/// when it is there.
[[nodiscard]] bool make_private_directory(const std::string& path) noexcept;

}  // namespace millrace::store
