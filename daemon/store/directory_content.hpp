#pragma once

#include <cstddef>
#include <string>

#include <millrace/base/result.hpp>

namespace millrace::store {

/// Foreign files that one warning names; the others are counted.
inline constexpr std::size_t foreign_files_named_max = 10;

/// What is done with a directory that holds another program's data.
enum class foreign_data {
  refuse,  ///< before a directory is filled or served
  report   ///< by tools that only read millrace's own file
};

/// Checks what a data directory holds before anything is created in it. A directory that is not there yet is fine.
///
/// Refused: the log of a beanstalkd, whose jobs would be ignored; another program's database where there is no data
/// file yet; a write-ahead log with content but without its data file, because SQLite would discard it. Every other
/// file that is not one of millrace's is named in a warning. Any thread; reads names only.
[[nodiscard]] result<> check_content(const std::string& data_dir, foreign_data answer);

}  // namespace millrace::store
