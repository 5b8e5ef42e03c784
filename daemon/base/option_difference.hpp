#pragma once

#include <optional>
#include <string>
#include <vector>

#include <millrace/base/option_table.hpp>

namespace millrace {

/// An option whose values differ between two owners.
struct changed_option {
  std::vector<std::string> keys;       ///< from the top of the table: `store`, `disk_reserve`
  std::optional<std::string> present;  ///< the value in the first owner as text; nullopt: none, or a section
};

/// The options of `table`, sections included, whose values differ between two owners. The values are compared,
/// not how the settings write them: an option that was left out equals one that was set to its default.
/// Requires: both were made by `table`.
[[nodiscard]] std::vector<changed_option> changed_options(const option_table& table, const void* present,
                                                          const void* next);

}  // namespace millrace
