#include "tools/verb_first.hpp"

#include <algorithm>
#include <cstddef>

namespace millrace::tools {

std::vector<std::string> verb_first(std::vector<std::string> words, std::span<const std::string_view> valued) {
  std::size_t verb = 0;
  while (verb < words.size() && words[verb].starts_with('-'))
    verb += std::ranges::find(valued, words[verb]) == valued.end() ? 1 : 2;
  if (verb < words.size()) std::rotate(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(verb), words.end());
  return words;
}

}  // namespace millrace::tools
