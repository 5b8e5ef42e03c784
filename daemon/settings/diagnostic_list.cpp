#include "settings/diagnostic_list.hpp"

#include <algorithm>

#include "base/utf8.hpp"

namespace millrace::settings {

namespace {

std::string one_line(const std::string& text, std::size_t bytes_max) {
  std::string out = shortened(text, bytes_max);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
  return out;
}

}  // namespace

void diagnostic_list::error(position start, const std::string& key, const std::string& problem,
                            const std::string& expected) {
  ++errors_;
  add(diagnostic::severity::error, start, key, problem, expected);
}

void diagnostic_list::warning(position start, const std::string& key, const std::string& problem,
                              const std::string& expected) {
  add(diagnostic::severity::warning, start, key, problem, expected);
}

void diagnostic_list::add(diagnostic::severity level, position start, const std::string& key,
                          const std::string& problem, const std::string& expected) {
  if (full()) {
    ++left_out_;
    return;
  }
  list_.push_back({level, file_, start.line, start.column, one_line(key, key_bytes_max),
                   one_line(problem, text_bytes_max), one_line(expected, text_bytes_max)});
}

std::vector<diagnostic> diagnostic_list::take() {
  std::stable_sort(list_.begin(), list_.end(), [](const diagnostic& a, const diagnostic& b) {
    return a.line != b.line ? a.line < b.line : a.column < b.column;
  });
  if (left_out_ > 0) {
    const auto level = errors_ > 0 ? diagnostic::severity::error : diagnostic::severity::warning;
    list_.push_back({level, file_, 0, 0, {}, "and " + std::to_string(left_out_) + " more", {}});
  }
  return std::move(list_);
}

std::string shortened(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string{text};
  return std::string{utf8_prefix(text, bytes_max)} + "…";
}

std::string path_of(std::string_view prefix, std::string_view key) {
  return prefix.empty() ? std::string{key} : std::string{prefix}.append(".").append(key);
}

std::string path_of(std::span<const std::string> keys) {
  std::string path;
  for (const std::string& key : keys) path = path_of(path, key);
  return path;
}

}  // namespace millrace::settings
