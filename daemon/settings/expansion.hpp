#pragma once

#include <array>
#include <string>
#include <string_view>

#include <millrace/base/result.hpp>

#include "settings/diagnostic_list.hpp"
#include "settings/document.hpp"

namespace millrace::settings {

/// A path or an address with `${NAME}` replaced by the environment variable, and `~` at the beginning (or after
/// `unix:`) replaced by the home directory. `$${` stands for `${`. It is an error if a variable is not defined, if `${`
/// has no name or no `}`, and for the home directory of another user (`~name`).
[[nodiscard]] result<std::string> expand(std::string_view text);

/// The inverse: `expand(escape(text)) == text`, except that `./` is added before a `~`.
[[nodiscard]] std::string escape(std::string_view text);

/// Keys of `daemon`, of each producer and of each consumer whose texts are expanded.
inline constexpr std::array<std::string_view, 4> expanded_daemon_keys{"data_dir", "http", "beanstalk", "control"};
inline constexpr std::array<std::string_view, 1> expanded_producer_keys{"file"};
inline constexpr std::array<std::string_view, 3> expanded_consumer_keys{"ca_file", "certificate_file", "key_file"};

/// Expands the texts of these keys in place. Called before they are read, so that the expanded text is checked.
void expand_paths(node& root, diagnostic_list& diagnostics);

}  // namespace millrace::settings
