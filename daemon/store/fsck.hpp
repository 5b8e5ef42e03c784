#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include <millrace/base/result.hpp>

#include "store/data_directory.hpp"

namespace millrace::store {

/// The rows that an examination read, and the number of faults it reported.
struct examination {
  std::uint64_t queues{0};
  std::uint64_t jobs{0};
  std::uint64_t faults{0};
};

/// Checks a locked data directory: the file's own structure, then every row of every table, each on its own, so that
/// one bad row does not hide the next. Each fault is one line that names the page or the row. Changes nothing of what
/// is kept. An error means that the file could not be looked at; damage of any kind is a fault.
[[nodiscard]] result<examination> fsck(const data_directory& directory,
                                       const std::function<void(std::string_view)>& on_fault);

}  // namespace millrace::store
