#include "sources/line_resumption.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace millrace::sources {

result<> line_resumption::read_slice(line_input& input) {
  const std::uint64_t until = std::min(offset_, bytes_ + bytes_per_call);
  while (bytes_ < until) {
    auto chunk = input.read();
    if (!chunk) return chunk.error();
    if (chunk->empty()) return changed(input, "is shorter than it was");
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(chunk->size(), offset_ - bytes_));
    consume(std::string_view{*chunk}.substr(0, wanted));
    rest_ = chunk->substr(wanted);
  }
  return is_at_offset() ? compare(input) : result<>{};
}

result<> line_resumption::compare(line_input& input) {
  if (read_.value() != checksum_) return changed(input, "has changed");
  if (last_ == '\n') return {};
  // The last line had no line end. Now it may have one, but no more text.
  while (rest_.empty() || rest_ == "\r") {
    const auto more = input.read();
    if (!more) return more.error();
    if (more->empty()) break;
    rest_ += *more;
  }
  if (rest_.empty()) return {};
  const std::size_t line_end = rest_.starts_with("\r\n") ? 2 : 1;
  if (rest_[line_end - 1] != '\n') return changed(input, "has a longer last line than it had");
  consume(std::string_view{rest_}.substr(0, line_end));
  rest_.erase(0, line_end);
  return {};
}

void line_resumption::consume(std::string_view bytes) {
  if (bytes.empty()) return;
  read_.add(bytes);
  bytes_ += bytes.size();
  lines_ += static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
  last_ = bytes.back();
}

error line_resumption::changed(const line_input& input, const char* problem) const {
  return invalid(input.name() + " " + problem + ": the stored position is " + std::to_string(offset_) + " bytes");
}

}  // namespace millrace::sources
