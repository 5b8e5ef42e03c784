#include "sources/line_splitter.hpp"

#include <algorithm>
#include <utility>

namespace millrace::sources {

void line_splitter::feed(std::string_view bytes) {
  bytes_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
  bytes_.append(bytes);
}

void line_splitter::restart() {
  bytes_.clear();
  begin_ = scanned_ = 0;
  number_ = 1;
  consumed_ = 0;
  if (read_) read_->reset();
  skipping_ = false;
  next_file_ = past_mark_ = is_utf16_ = false;
}

bool line_splitter::skip_byte_order_mark() {
  constexpr std::string_view utf8_mark = "\xEF\xBB\xBF";
  constexpr std::string_view utf16_marks[]{"\xFF\xFE", "\xFE\xFF"};
  const std::string_view start = std::string_view{bytes_}.substr(begin_);
  for (const auto mark : utf16_marks) {
    is_utf16_ = is_utf16_ || start.starts_with(mark);
    if (is_utf16_ || (!ended_ && !next_file_ && mark.starts_with(start))) return false;
  }
  if (!ended_ && !next_file_ && start.size() < utf8_mark.size() && utf8_mark.starts_with(start)) return false;
  past_mark_ = true;
  if (start.starts_with(utf8_mark)) consume(utf8_mark.size());
  return true;
}

void line_splitter::continue_behind(std::uint64_t bytes, std::uint64_t lines, digest read) {
  consumed_ = bytes;
  number_ = lines + 1;
  read_ = std::move(read);
  past_mark_ = bytes > 0;
}

std::optional<line_splitter::line> line_splitter::next() {
  for (;;) {
    if (!past_mark_ && !skip_byte_order_mark()) return std::nullopt;
    const std::size_t end = bytes_.find('\n', scanned_);
    if (end != std::string::npos) {
      const bool is_rest = skipping_;
      skipping_ = false;
      const line found = take(end - begin_, end - begin_ + 1);
      if (!is_rest) return found;
      continue;
    }
    scanned_ = bytes_.size();
    const std::size_t unfinished = bytes_.size() - begin_;
    if ((ended_ || next_file_) && unfinished > 0 && !skipping_) return take(unfinished, unfinished);
    if (next_file_) {
      restart();
      return std::nullopt;
    }
    // One byte more than the limit may be the \r of \r\n.
    const bool is_known_too_long = !skipping_ && unfinished > line_bytes_max_ + 1;
    if (skipping_ || is_known_too_long) consume(unfinished);
    if (!is_known_too_long) return std::nullopt;
    skipping_ = true;
    return line{number_, {}, true};
  }
}

line_splitter::line line_splitter::take(std::size_t bytes, std::size_t bytes_with_end) {
  std::string_view text = std::string_view{bytes_}.substr(begin_, bytes);
  consume(bytes_with_end);
  if (text.ends_with('\r')) text.remove_suffix(1);
  const bool too_long = text.size() > line_bytes_max_;
  return {number_++, too_long ? std::string_view{} : text, too_long};
}

void line_splitter::consume(std::size_t bytes) {
  if (read_) read_->add(std::string_view{bytes_}.substr(begin_, bytes));
  consumed_ += bytes;
  begin_ += bytes;
  scanned_ = begin_;
}

}  // namespace millrace::sources
