#include "wire/beanstalk_command.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "wire/beanstalk_command_line.hpp"
#include "wire/line.hpp"

namespace millrace::wire {

using found = beanstalk_command_reader::found;

found beanstalk_command_reader::next(std::string_view& bytes, beanstalk_command& into) {
  if (bytes.empty()) return found::nothing;
  switch (state_) {
    case state::line:
      break;
    case state::long_line:
      return skip_line(bytes);
    case state::content:
      return take_body(bytes, into);
    case state::skipping:
      return skip_body(bytes, into);
  }
  if (line_bytes_ > 0) return take_line(bytes, into);
  const std::size_t end = find_line_end(bytes.substr(0, command_line_bytes_max));
  if (end == std::string_view::npos) return take_line(bytes, into);
  const std::string_view line = bytes.substr(0, end);
  bytes.remove_prefix(end + line_end.size());
  return end_of_line(line, bytes, into);
}

bool beanstalk_command_reader::at_rest() const noexcept { return state_ == state::line && line_bytes_ == 0; }

/// A line that arrives in pieces.
found beanstalk_command_reader::take_line(std::string_view& bytes, beanstalk_command& into) {
  static_assert(command_line_bytes_max <= std::numeric_limits<decltype(line_bytes_)>::max());
  const std::size_t kept = line_bytes_;
  const std::string_view offered = bytes.substr(0, command_line_bytes_max - kept);
  std::size_t end = find_line_end(offered);
  std::size_t taken = end == std::string_view::npos ? offered.size() : end + line_end.size();
  bool ended = end != std::string_view::npos;
  if (kept > 0 && line_[kept - 1] == '\r' && offered.front() == '\n') {
    taken = 1;
    ended = true;
  }
  std::memcpy(line_.data() + kept, offered.data(), taken);
  bytes.remove_prefix(taken);

  const std::size_t bytes_now = kept + taken;
  line_bytes_ = 0;
  if (ended) return end_of_line({line_.data(), bytes_now - line_end.size()}, bytes, into);
  if (bytes_now == command_line_bytes_max) {
    state_ = state::long_line;
    cr_kept_ = line_.back() == '\r';
    return skip_line(bytes);
  }
  line_bytes_ = static_cast<std::uint8_t>(bytes_now);
  return found::nothing;
}

found beanstalk_command_reader::skip_line(std::string_view& bytes) {
  if (bytes.empty()) return found::nothing;
  const std::size_t end = find_line_end(bytes);
  if (cr_kept_ && bytes.front() == '\n') {
    bytes.remove_prefix(1);
  } else if (end != std::string_view::npos) {
    bytes.remove_prefix(end + line_end.size());
  } else {
    cr_kept_ = bytes.back() == '\r';
    bytes = {};
    return found::nothing;
  }
  state_ = state::line;
  return found::bad_format;
}

found beanstalk_command_reader::end_of_line(std::string_view line, std::string_view& bytes, beanstalk_command& into) {
  const found result = read_command_line(line, into);
  const bool body_follows = result == found::command && row_of(into.verb).arguments == argument_shape::put;
  return body_follows ? begin_body(bytes, into) : result;
}

found beanstalk_command_reader::begin_body(std::string_view& bytes, beanstalk_command& into) {
  const std::uint64_t whole = into.count + std::uint64_t{line_end.size()};
  if (into.count > body_bytes_max_) return begin_skipping(found::job_too_big, bytes, into);
  const bool all_here = bytes.size() >= whole;
  if (all_here && bytes.substr(into.count, line_end.size()) != line_end) {
    bytes.remove_prefix(whole);
    return found::expected_crlf;
  }
  if (!content_.begin(into.count)) return begin_skipping(found::out_of_memory, bytes, into);
  if (all_here) {
    content_.take(bytes);
    into.content = content_.finish();
    bytes.remove_prefix(line_end.size());
    return found::command;
  }
  put_ = std::move(into);
  end_bytes_ = 0;
  end_wrong_ = false;
  state_ = state::content;
  return take_body(bytes, into);
}

found beanstalk_command_reader::take_body(std::string_view& bytes, beanstalk_command& into) {
  if (!take_from_budget(std::min(bytes.size(), content_.missing()))) {
    left_ = content_.missing() + line_end.size();
    after_skipping_ = found::out_of_memory;
    state_ = state::skipping;
    content_ = {};
    give_back();
    return skip_body(bytes, into);
  }
  content_.take(bytes);
  for (; !bytes.empty() && end_bytes_ < line_end.size(); bytes.remove_prefix(1))
    end_wrong_ |= bytes.front() != line_end[end_bytes_++];
  if (end_bytes_ < line_end.size()) return found::nothing;
  state_ = state::line;
  into = std::move(put_);
  body content = content_.finish();
  give_back();
  if (end_wrong_) return found::expected_crlf;
  into.content = std::move(content);
  return found::command;
}

bool beanstalk_command_reader::take_from_budget(std::size_t bytes) noexcept {
  if (budget_ == nullptr) return true;
  if (budget_->bytes_left < bytes) return false;
  budget_->bytes_left -= bytes;
  from_budget_ += bytes;
  return true;
}

void beanstalk_command_reader::give_back() noexcept {
  if (budget_ != nullptr) budget_->bytes_left += std::exchange(from_budget_, 0);
}

found beanstalk_command_reader::begin_skipping(found result, std::string_view& bytes, beanstalk_command& into) {
  left_ = into.count + std::uint64_t{line_end.size()};
  after_skipping_ = result;
  put_ = std::move(into);
  state_ = state::skipping;
  return skip_body(bytes, into);
}

found beanstalk_command_reader::skip_body(std::string_view& bytes, beanstalk_command& into) {
  const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  bytes.remove_prefix(skipped);
  left_ -= skipped;
  if (left_ > 0) return found::nothing;
  state_ = state::line;
  into = std::move(put_);
  return after_skipping_;
}

}  // namespace millrace::wire
