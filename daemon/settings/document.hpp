#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "settings/complaint_list.hpp"

namespace millrace::settings {

/// Limits of one file beside its bytes; what goes beyond is one complaint and the rest is not read.
inline constexpr std::size_t nodes_max = 1'000'000;  ///< values and keys
inline constexpr int depth_max = 16;                 ///< maps and lists inside each other; the parser is recursive

/// One value of a YAML file, with its place: what reading needs and nothing more. No tags, anchors or aliases: a
/// document that has them is complained about.
struct node {
  /// `refused`: it was complained about already; readers pass over it.
  enum class shape { nothing, scalar, list, map, refused } form{shape::nothing};
  position at;
  bool quoted{false};             ///< a scalar written in quotes, or as a block of lines
  std::string text;               ///< of a scalar
  std::vector<std::string> keys;  ///< of a map, in the order of the file, without duplicates
  std::vector<position> key_places;
  std::vector<node> values;  ///< of a list, or of a map beside `keys`

  [[nodiscard]] const node* find(std::string_view key) const noexcept;
  /// `a map`, `a list`, `nothing`, or the text between backquotes, shortened: for complaints.
  [[nodiscard]] std::string described() const;
};

/// `text` as one YAML document. Nothing when it is no YAML, is not UTF-8, or goes beyond a limit: then the complaints
/// say why. Duplicate keys at any level, keys that are no words, tags, anchors, aliases and merge keys are complaints
/// too, but reading goes on after them (the first of two equal keys counts).
[[nodiscard]] std::optional<node> parse_document(std::string_view text, complaint_list& complaints);

/// Where the value under these keys begins, or the deepest place on the way there.
[[nodiscard]] position place_of(const node& root, std::span<const std::string> keys);

}  // namespace millrace::settings
