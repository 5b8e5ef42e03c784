#include "wire/beanstalk_command_line.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "base/queue_name.hpp"
#include "wire/beanstalk_arguments.hpp"
#include "wire/line.hpp"

namespace millrace::wire {

using found = beanstalk_command_reader::found;

namespace {

constexpr std::uint32_t number_max = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t job_max = std::numeric_limits<std::uint64_t>::max();

/// A perfect hash: no two words have both their length and their third letter in common (checked at compile time).
class word_table {
 public:
  constexpr word_table() {
    for (auto& of_a_length : candidates_) of_a_length.fill(none);
    for (const auto& row : beanstalk_commands) {
      auto& entry = candidates_.at(row.word.size()).at(slot(row.word[2]));
      if (entry != none) throw "two words have the same hash";
      entry = static_cast<std::uint8_t>(row.verb);
    }
  }

  [[nodiscard]] bool find(std::string_view word, beanstalk_verb& into) const noexcept {
    if (word.size() < 3 || word.size() >= candidates_.size()) return false;
    const std::uint8_t candidate = candidates_[word.size()][slot(word[2])];
    if (candidate == none || beanstalk_commands[candidate].word != word) return false;
    into = static_cast<beanstalk_verb>(candidate);
    return true;
  }

 private:
  static constexpr std::uint8_t none = 0xFF;
  static constexpr std::size_t longest = 20;
  static constexpr std::size_t slot(char letter) { return static_cast<unsigned char>(letter) % 32; }

  std::array<std::array<std::uint8_t, 32>, longest + 1> candidates_{};
};
constexpr word_table words;

/// Reads the arguments behind the word. Each takes the spaces before it, of which there must be at least one.
class argument_reader {
 public:
  argument_reader(const char* at, const char* end) noexcept : at_{at}, end_{end} {}

  bool job(std::uint64_t& into) noexcept { return number(into, job_max); }
  bool priority(std::uint32_t& into) noexcept { return number(into, number_max); }
  bool delay(std::uint32_t& into) noexcept { return number(into, number_max); }
  bool ttr(std::uint32_t& into) noexcept { return number(into, number_max); }
  bool timeout(std::uint32_t& into) noexcept { return number(into, timeout_seconds_max); }
  bool bound(std::uint32_t& into) noexcept { return number(into, number_max); }
  bool body_bytes(std::uint32_t& into) noexcept { return number(into, number_max); }
  /// Several spaces before a tube are tolerated if something follows it, as in `pause-tube`.
  bool tube(std::string_view& into) noexcept {
    if (!spaces()) return false;
    const char* const name = at_;
    at_ = std::find(at_, end_, ' ');
    into = {name, at_};
    return is_queue_name(into);
  }
  bool last_tube(std::string_view& into) noexcept {
    if (at_ == end_) return false;
    into = {at_ + 1, end_};
    at_ = end_;
    return is_queue_name(into);
  }
  [[nodiscard]] bool all_read() const noexcept { return at_ == end_; }

 private:
  template <class Number>
  bool number(Number& into, Number max) noexcept {
    return spaces() && read_number(at_, max, into);
  }
  // Ends at the CR behind the line at the latest.
  bool spaces() noexcept {
    if (*at_ != ' ') return false;
    while (*at_ == ' ') ++at_;
    return true;
  }

  const char* at_;
  const char* end_;
};

/// A NUL makes any line a bad format. A line that can be read has none, so only the others are searched for it.
found unknown(std::string_view line) noexcept {
  return line.find('\0') == std::string_view::npos ? found::unknown_command : found::bad_format;
}

}  // namespace

found read_command_line(std::string_view line, beanstalk_command& into) noexcept {
  into = {};
  const std::string_view word = line.substr(0, line.find(' '));
  if (!words.find(word, into.verb)) return unknown(line);
  const auto& row = row_of(into.verb);
  argument_reader arguments{word.data() + word.size(), line.data() + line.size()};
  if (visit_arguments(row.arguments, into, arguments) && arguments.all_read()) return found::command;
  const bool unknown_alone = row.alone == word_alone::unknown_command;
  return unknown_alone && word.size() == line.size() ? found::unknown_command : found::bad_format;
}

}  // namespace millrace::wire
