#include "base/nearest.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace millrace {

namespace {

/// A longer word is not compared, because the cost grows with the square of the length.
constexpr std::size_t compared_bytes_max = 64;

/// Insertions, deletions, replacements and swaps of neighbours that make one word of the other (optimal string
/// alignment).
std::size_t distance(std::string_view a, std::string_view b) {
  std::size_t rows[3][compared_bytes_max + 1];
  std::size_t* before = rows[0];
  std::size_t* above = rows[1];
  std::size_t* row = rows[2];
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

}  // namespace

std::string nearest(std::string_view unknown, std::span<const std::string> known) {
  std::string best;
  std::size_t least = compared_bytes_max;
  if (unknown.size() > compared_bytes_max) return best;
  for (const std::string& each : known) {
    const std::size_t longer = std::max(each.size(), unknown.size());
    const std::size_t shorter = std::min(each.size(), unknown.size());
    const std::size_t allowed = longer / 3;
    if (longer > compared_bytes_max || longer - shorter > allowed) continue;
    const std::size_t apart = distance(unknown, each);
    if (apart > allowed || apart >= least) continue;
    least = apart;
    best = each;
  }
  return best;
}

}  // namespace millrace
