#pragma once

#include <array>
#include <string>
#include <string_view>

#include <millrace/base/result.hpp>

#include "settings/complaint_list.hpp"
#include "settings/document.hpp"

namespace millrace::settings {

/// Text of a path or an address with `${NAME}` replaced by the environment's value, and a `~` at the beginning (also
/// behind `unix:`) by the home directory. `$${` stands for `${`. An error: a name that is not defined or not complete,
/// and the home directory of another user (`~name`).
[[nodiscard]] result<std::string> expanded(std::string_view text);

/// The text of which `expanded` makes `text`.
[[nodiscard]] std::string unexpanded(std::string_view text);

/// Keys of `daemon` and of each producer whose texts are expanded.
inline constexpr std::array<std::string_view, 3> expanded_daemon_keys{"data_dir", "http", "beanstalk"};
inline constexpr std::array<std::string_view, 1> expanded_producer_keys{"file"};

/// Expands the texts of these keys in place, before they are read, so that what is checked is what is used.
void expand_paths(node& root, complaint_list& complaints);

}  // namespace millrace::settings
