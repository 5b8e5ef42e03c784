#include <algorithm>
#include <limits>
#include <optional>

#include "base/queue_name.hpp"
#include "wire/beanstalk_command.hpp"
#include "wire/beanstalk_reply.hpp"
#include "wire/beanstalk_reply_words.hpp"
#include "wire/line.hpp"

namespace millrace::wire {

using found = beanstalk_reply_reader::found;

namespace {

static_assert(reply_line_bytes_max == std::string_view{"USING "}.size() + queue_name_bytes_max + line_end.size());

/// Reads the line of a reply. Requires: its CR LF follows in memory.
class reply_line {
 public:
  explicit reply_line(std::string_view line) noexcept : at_{line.data()}, end_{line.data() + line.size()} {}

  bool take_word(beanstalk_word& into) noexcept {
    const std::string_view word{at_, std::find(at_, end_, ' ')};
    const auto match = std::find(reply_words.begin(), reply_words.end(), word);
    if (match == reply_words.end()) return false;
    at_ += word.size();
    into = static_cast<beanstalk_word>(match - reply_words.begin());
    // Two words have a second meaning with a number behind them; the search found the first.
    if (at_ != end_ && into == beanstalk_word::buried) into = beanstalk_word::buried_job;
    if (at_ != end_ && into == beanstalk_word::kicked) into = beanstalk_word::kicked_count;
    return true;
  }
  bool take_number(std::uint64_t& into, std::uint64_t max = std::numeric_limits<std::uint64_t>::max()) noexcept {
    return take_space() && read_number(at_, max, into);
  }
  bool take_tube(std::string_view& into) noexcept {
    if (!take_space()) return false;
    into = {at_, end_};
    at_ = end_;
    return is_queue_name(into);
  }
  [[nodiscard]] bool all_taken() const noexcept { return at_ == end_; }

 private:
  bool take_space() noexcept { return *at_ == ' ' && ++at_ != end_; }

  const char* at_;
  const char* end_;
};

/// False: nonsense. `chunk_bytes` is set if a chunk follows.
bool read_line(std::string_view text, beanstalk_reply& into, std::optional<std::uint64_t>& chunk_bytes) noexcept {
  reply_line line{text};
  into = {};
  if (!line.take_word(into.word)) return false;
  if (stands_alone(into.word)) return line.all_taken();
  switch (into.word) {
    case beanstalk_word::using_tube:
      return line.take_tube(into.tube);
    case beanstalk_word::reserved:
    case beanstalk_word::found:
      return line.take_number(into.number) && line.take_number(chunk_bytes.emplace(), reply_chunk_bytes_max) &&
             line.all_taken();
    case beanstalk_word::ok:
      return line.take_number(chunk_bytes.emplace(), reply_chunk_bytes_max) && line.all_taken();
    default:
      return line.take_number(into.number) && line.all_taken();
  }
}

/// Reads the reply at the front of `all`. Sets `size` as soon as its line is complete.
found read_reply(std::string_view all, beanstalk_reply& into, std::size_t& size) noexcept {
  const std::size_t end = find_line_end(all.substr(0, reply_line_bytes_max));
  if (end == std::string_view::npos) return all.size() < reply_line_bytes_max ? found::nothing : found::nonsense;
  std::optional<std::uint64_t> chunk_bytes;
  if (!read_line(all.substr(0, end), into, chunk_bytes)) return found::nonsense;
  size = end + line_end.size();
  if (!chunk_bytes) return found::reply;

  const std::string_view rest = all.substr(size);
  size += *chunk_bytes + line_end.size();
  if (all.size() < size) return found::nothing;
  into.chunk = rest.substr(0, *chunk_bytes);
  return rest.substr(*chunk_bytes, line_end.size()) == line_end ? found::reply : found::nonsense;
}

}  // namespace

found beanstalk_reply_reader::next(std::string_view& bytes, beanstalk_reply& into) {
  if (lost_) return found::nonsense;
  if (given_) kept_.clear();
  given_ = false;

  found result;
  if (kept_.empty()) {
    std::size_t size = 0;
    result = read_reply(bytes, into, size);
    if (result == found::reply) bytes.remove_prefix(size);
    if (result == found::nothing) {
      keep(bytes, bytes.size());
      missing_ = size > 0 ? size - kept_.size() : 0;
    }
  } else {
    result = take_kept(bytes, into);
    given_ = result == found::reply;
  }
  lost_ = result == found::nonsense;
  return result;
}

/// Keeps nothing behind the end of the line and of the chunk: that belongs to the next reply.
found beanstalk_reply_reader::take_kept(std::string_view& bytes, beanstalk_reply& into) {
  std::size_t size = 0;
  if (missing_ == 0) {
    const std::string_view offered = bytes.substr(0, reply_line_bytes_max - kept_.size());
    const std::size_t end = find_line_end(offered);
    if (kept_.back() == '\r' && offered.substr(0, 1) == "\n")
      keep(bytes, 1);
    else
      keep(bytes, end == std::string_view::npos ? offered.size() : end + line_end.size());
    const found result = read_reply(kept_, into, size);
    if (result != found::nothing || size == 0) return result;
    missing_ = size - kept_.size();
  }
  const std::size_t coming = std::min(missing_, bytes.size());
  keep(bytes, coming);
  missing_ -= coming;
  return missing_ > 0 ? found::nothing : read_reply(kept_, into, size);
}

void beanstalk_reply_reader::keep(std::string_view& bytes, std::size_t count) {
  kept_.append(bytes.substr(0, count));
  bytes.remove_prefix(count);
}

}  // namespace millrace::wire
