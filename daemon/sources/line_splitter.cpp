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
}

void line_splitter::continue_behind(std::uint64_t bytes, std::uint64_t lines, digest read) {
  consumed_ = bytes;
  number_ = lines + 1;
  read_ = std::move(read);
}

std::optional<line_splitter::line> line_splitter::next() {
  for (;;) {
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
    if (ended_ && unfinished > 0 && !skipping_) return take(unfinished, unfinished);
    // One more than allowed may still be the \r of \r\n.
    const bool is_known_too_long = !skipping_ && unfinished > line_bytes_max_ + 1;
    if (skipping_ || is_known_too_long) consume(unfinished);
    if (!is_known_too_long) return std::nullopt;
    skipping_ = true;
    return line{number_, {}, true};
  }
}

line_splitter::line line_splitter::take(std::size_t bytes, std::size_t with_end) {
  std::string_view text = std::string_view{bytes_}.substr(begin_, bytes);
  consume(with_end);
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
