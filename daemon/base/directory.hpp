#pragma once

#include <string>
#include <system_error>
#include <vector>

namespace millrace {

/// Names of the files in a directory, without `.` and `..`, in no particular order. `failure` is set when the directory
/// cannot be opened or read to its end. The iterators of libstdc++ 12 are no substitute: they end the process when
/// memory is short. Throws std::bad_alloc.
[[nodiscard]] std::vector<std::string> list_directory(const std::string& path, std::error_code& failure);

}  // namespace millrace
