#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <millrace/base/ids.hpp>
#include <millrace/base/result.hpp>

#include "store/sqlite.hpp"

/// What the readers of all tables share: columns of whole numbers with their ranges, and the errors of invalid rows.
namespace millrace::store {

inline constexpr std::int64_t least_number = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t most_number = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t most_of_32_bits = std::numeric_limits<std::uint32_t>::max();
/// Of ids of jobs, and of the numbers of bury sequences, which rise in the same way.
inline constexpr auto most_of_ids = static_cast<std::int64_t>(job_id_max.value());

/// A column of whole numbers, and the range of what can be written into it.
struct number_column {
  const char* name;
  std::int64_t least;
  std::int64_t most;
  std::int64_t since_version{1};  ///< of the tables; older ones read as 0
};

[[nodiscard]] error bad_row(std::string_view table, std::string_view key, std::string_view fault);
/// With the first column as the key, whatever its type.
[[nodiscard]] error bad_row(std::string_view table, sqlite::row_values& from, std::string_view fault);
[[nodiscard]] error bad_number(std::string_view table, sqlite::row_values& from, int column, const char* name);
[[nodiscard]] bool read_in_range(sqlite::row_values& from, int column, const number_column& of, std::int64_t& value);

[[nodiscard]] constexpr std::uint32_t in_32_bits(std::int64_t value) noexcept {
  return static_cast<std::uint32_t>(value);
}

}  // namespace millrace::store
