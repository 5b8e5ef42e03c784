#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "settings/diagnostic_list.hpp"

namespace millrace::settings {

/// Limits of one file. Beyond them there is one diagnostic, and the rest of the file is not read.
inline constexpr std::size_t nodes_max = 1'000'000;  ///< values and keys
inline constexpr int depth_max = 16;                 ///< nested maps and lists; the parser is recursive

/// A value of a YAML file, with its position. Tags, anchors and aliases are not supported.
struct node {
  /// `invalid`: it has a diagnostic already, so readers skip it.
  enum class shape { null, scalar, list, map, invalid } form{shape::null};
  position start;
  bool quoted{false};             ///< a scalar in quotes, or a block of lines
  std::string text;               ///< of a scalar
  std::vector<std::string> keys;  ///< of a map, in the order of the file, without duplicates
  std::vector<position> key_positions;
  std::vector<node> values;  ///< of a list, or of a map beside `keys`

  [[nodiscard]] const node* find(std::string_view key) const noexcept;
  /// For diagnostics: `a map`, `a list`, `empty`, or the shortened text in backquotes.
  [[nodiscard]] std::string described() const;
};

/// Parses `text` as one YAML document. `nullopt`, with a diagnostic, when it is not YAML, is not UTF-8, or exceeds a
/// limit. Parsing continues after these errors: duplicate keys (the first is used), keys that are not scalars, tags,
/// anchors, aliases and merge keys.
[[nodiscard]] std::optional<node> parse_document(std::string_view text, diagnostic_list& diagnostics);

/// The position of the deepest of these keys that exists: of the value if it is a scalar or an item of a list, else of
/// the key. The key of an item of a list is its number, from 1.
[[nodiscard]] position position_of(const node& root, std::span<const std::string> keys);

}  // namespace millrace::settings
