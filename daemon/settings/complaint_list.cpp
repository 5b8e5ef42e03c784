#include "settings/complaint_list.hpp"

#include <algorithm>

namespace millrace::settings {

namespace {

std::string one_line(const std::string& text, std::size_t bytes_max) {
  std::string out = shortened(text, bytes_max);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
  return out;
}

}  // namespace

void complaint_list::error(position at, const std::string& key, const std::string& wrong, const std::string& expected) {
  ++errors_;
  add(complaint::severity::error, at, key, wrong, expected);
}

void complaint_list::warning(position at, const std::string& key, const std::string& wrong,
                             const std::string& expected) {
  add(complaint::severity::warning, at, key, wrong, expected);
}

void complaint_list::add(complaint::severity how, position at, const std::string& key, const std::string& wrong,
                         const std::string& expected) {
  if (full()) {
    ++left_out_;
    return;
  }
  list_.push_back({how, file_, at.line, at.column, one_line(key, key_bytes_max), one_line(wrong, sentence_bytes_max),
                   one_line(expected, sentence_bytes_max)});
}

std::vector<complaint> complaint_list::take() {
  std::stable_sort(list_.begin(), list_.end(), [](const complaint& a, const complaint& b) {
    return a.line != b.line ? a.line < b.line : a.column < b.column;
  });
  if (left_out_ > 0) {
    const auto how = errors_ > 0 ? complaint::severity::error : complaint::severity::warning;
    list_.push_back({how, file_, 0, 0, {}, "and " + std::to_string(left_out_) + " more like these", {}});
  }
  return std::move(list_);
}

std::string shortened(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string{text};
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) --end;
  return std::string{text.substr(0, end)} + "…";
}

std::string path_of(std::string_view prefix, std::string_view key) {
  return prefix.empty() ? std::string{key} : std::string{prefix}.append(".").append(key);
}

}  // namespace millrace::settings
