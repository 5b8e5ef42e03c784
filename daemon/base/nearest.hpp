#pragma once

#include <span>
#include <string>
#include <string_view>

namespace millrace {

/// The known word that a mistyped one probably stands for. Empty: none. At most a third of its letters differ
/// (Damerau–Levenshtein distance).
[[nodiscard]] std::string nearest(std::string_view unknown, std::span<const std::string> known);

}  // namespace millrace
