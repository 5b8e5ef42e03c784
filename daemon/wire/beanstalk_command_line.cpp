#include "wire/beanstalk_command_line.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "wire/line.hpp"

namespace millrace::wire {

using found = beanstalk_command_reader::found;

namespace {

constexpr std::array<std::string_view, beanstalk_verb_count> names{"put",
                                                                   "use",
                                                                   "reserve",
                                                                   "reserve-with-timeout",
                                                                   "reserve-job",
                                                                   "delete",
                                                                   "release",
                                                                   "bury",
                                                                   "touch",
                                                                   "watch",
                                                                   "ignore",
                                                                   "peek",
                                                                   "peek-ready",
                                                                   "peek-delayed",
                                                                   "peek-buried",
                                                                   "kick",
                                                                   "kick-job",
                                                                   "stats",
                                                                   "stats-job",
                                                                   "stats-tube",
                                                                   "list-tubes",
                                                                   "list-tube-used",
                                                                   "list-tubes-watched",
                                                                   "pause-tube",
                                                                   "quit"};
static_assert(!names.back().empty());

constexpr std::uint32_t number_max = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t job_max = std::numeric_limits<std::uint64_t>::max();

/// No two words have both their length and their third letter in common: these two say which word alone it can be.
class word_table {
 public:
  constexpr word_table() {
    for (auto& of_a_length : candidates_) of_a_length.fill(none);
    for (std::size_t verb = 0; verb < names.size(); ++verb) {
      auto& place = candidates_.at(names[verb].size()).at(slot(names[verb][2]));
      if (place != none) throw "two words in one place";
      place = static_cast<std::uint8_t>(verb);
    }
  }

  [[nodiscard]] bool find(std::string_view word, beanstalk_verb& into) const noexcept {
    if (word.size() < 3 || word.size() >= candidates_.size()) return false;
    const std::uint8_t candidate = candidates_[word.size()][slot(word[2])];
    if (candidate == none || names[candidate] != word) return false;
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

constexpr auto of_tube_names = [] {
  std::array<bool, 256> allowed{};
  for (const char each : std::string_view{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-+/;.$_()"})
    allowed[static_cast<unsigned char>(each)] = true;
  return allowed;
}();

/// What stands behind the word. Each call takes one argument and the spaces before it, of which there must be one at least.
class arguments {
 public:
  arguments(const char* at, const char* end) noexcept : at_{at}, end_{end} {}

  template <class number>
  bool take(number& into, number max) noexcept {
    return spaces() && read_number(at_, max, into);
  }
  bool take(std::uint32_t& into) noexcept { return take(into, number_max); }
  bool take_job(std::uint64_t& into) noexcept { return take(into, job_max); }
  /// Several spaces before a tube are tolerated in `pause-tube` only.
  bool take_tube(std::string_view& into) noexcept {
    if (!spaces()) return false;
    const char* const name = at_;
    at_ = std::find(at_, end_, ' ');
    into = {name, at_};
    return is_tube_name(into);
  }
  bool rest_is_tube(std::string_view& into) noexcept {
    if (at_ == end_) return false;
    into = {at_ + 1, end_};
    at_ = end_;
    return is_tube_name(into);
  }
  [[nodiscard]] bool all_taken() const noexcept { return at_ == end_; }

 private:
  // The CR behind the line is no space: this ends there.
  bool spaces() noexcept {
    if (*at_ != ' ') return false;
    while (*at_ == ' ') ++at_;
    return true;
  }

  const char* at_;
  const char* end_;
};

bool take_all(arguments from, beanstalk_command& into) noexcept {
  switch (into.verb) {
    case beanstalk_verb::put:
      return from.take(into.priority) && from.take(into.delay) && from.take(into.ttr) && from.take(into.count) &&
             from.all_taken();
    case beanstalk_verb::use:
    case beanstalk_verb::watch:
    case beanstalk_verb::ignore:
    case beanstalk_verb::stats_tube:
      return from.rest_is_tube(into.tube);
    case beanstalk_verb::reserve_with_timeout:
      return from.take(into.count, timeout_seconds_max) && from.all_taken();
    case beanstalk_verb::kick:
      return from.take(into.count) && from.all_taken();
    case beanstalk_verb::reserve_job:
    case beanstalk_verb::delete_job:
    case beanstalk_verb::touch:
    case beanstalk_verb::peek:
    case beanstalk_verb::kick_job:
    case beanstalk_verb::stats_job:
      return from.take_job(into.job) && from.all_taken();
    case beanstalk_verb::release:
      return from.take_job(into.job) && from.take(into.priority) && from.take(into.delay) && from.all_taken();
    case beanstalk_verb::bury:
      return from.take_job(into.job) && from.take(into.priority) && from.all_taken();
    case beanstalk_verb::pause_tube:
      return from.take_tube(into.tube) && from.take(into.delay) && from.all_taken();
    case beanstalk_verb::reserve:
    case beanstalk_verb::peek_ready:
    case beanstalk_verb::peek_delayed:
    case beanstalk_verb::peek_buried:
    case beanstalk_verb::stats:
    case beanstalk_verb::list_tubes:
    case beanstalk_verb::list_tube_used:
    case beanstalk_verb::list_tubes_watched:
    case beanstalk_verb::quit:
      return from.all_taken();
  }
  return false;
}

/// `put` alone is not known, `reserve-job` alone has a bad format: to beanstalkd the space is part of some words, and clients see it.
bool space_is_part_of(beanstalk_verb verb) noexcept {
  switch (verb) {
    case beanstalk_verb::put:
    case beanstalk_verb::use:
    case beanstalk_verb::delete_job:
    case beanstalk_verb::release:
    case beanstalk_verb::bury:
    case beanstalk_verb::touch:
    case beanstalk_verb::watch:
    case beanstalk_verb::ignore:
    case beanstalk_verb::peek:
    case beanstalk_verb::kick:
    case beanstalk_verb::kick_job:
      return true;
    default:
      return false;
  }
}

/// A NUL anywhere makes a bad format of any line. A command that can be read has none, so only the others are searched for it.
found unknown(std::string_view line) noexcept {
  return line.find('\0') == std::string_view::npos ? found::unknown_command : found::bad_format;
}

}  // namespace

std::string_view name_of(beanstalk_verb verb) noexcept { return names[static_cast<std::size_t>(verb)]; }

bool is_tube_name(std::string_view text) noexcept {
  if (text.empty() || text.size() > tube_name_bytes_max || text.front() == '-') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char each) { return of_tube_names[static_cast<unsigned char>(each)]; });
}

found read_command_line(std::string_view line, beanstalk_command& into) noexcept {
  into = {};
  const std::string_view word = line.substr(0, line.find(' '));
  if (!words.find(word, into.verb)) return unknown(line);
  if (take_all({word.data() + word.size(), line.data() + line.size()}, into)) return found::command;
  return word.size() == line.size() && space_is_part_of(into.verb) ? found::unknown_command : found::bad_format;
}

}  // namespace millrace::wire
