#include "loop/group_usage.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

namespace millrace::loop {

namespace {

/// The line has about 350 characters.
constexpr std::size_t line_bytes_max = 2'048;

/// The numbers of fields as the manual counts them; the third is the first one behind the name.
enum field : std::size_t {
  field_first = 3,
  field_group = 5,
  field_user_time = 14,
  field_system_time = 15,
  field_children_user_time = 16,
  field_children_system_time = 17,
  field_memory = 24,
};

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  return std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc{};
}

std::string read_line(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  std::array<char, line_bytes_max> text{};
  const ssize_t bytes = ::read(file, text.data(), text.size());
  ::close(file);
  return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(bytes, 0))};
}

}  // namespace

std::optional<process_usage> parse_process_usage(std::string_view text) {
  // The name is in parentheses and may contain any character.
  const auto name_begin = text.find('(');
  const auto name_end = text.rfind(')');
  process_usage usage;
  if (name_begin == std::string_view::npos || name_end == std::string_view::npos || name_end < name_begin ||
      !parse_number(text, usage.process)) {
    return std::nullopt;
  }
  usage.name = text.substr(name_begin + 1, name_end - name_begin - 1);
  std::string_view rest = text.substr(name_end + 1);
  std::uint64_t ticks = 0;
  std::uint64_t pages = 0;
  std::size_t number = field_first;
  for (; number <= field_memory && !rest.empty(); ++number) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(word.size());
    std::uint64_t value = 0;
    switch (number) {
      case field_group:
        if (!parse_number(word, usage.group)) return std::nullopt;
        break;
      case field_user_time:
      case field_system_time:
      case field_children_user_time:
      case field_children_system_time:
        if (!parse_number(word, value)) return std::nullopt;
        ticks += value;
        break;
      case field_memory:
        if (!parse_number(word, pages)) return std::nullopt;
        break;
      default:
        break;
    }
  }
  if (number <= field_memory) return std::nullopt;
  static const auto ticks_in_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  static const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  usage.cpu = milliseconds{ticks * 1'000 / ticks_in_second};
  usage.memory = pages * page_bytes;
  return usage;
}

std::map<pid_t, group_usage> usage_of_groups(std::span<const pid_t> groups) {
  std::map<pid_t, group_usage> all;
  std::error_code failure;
  for (std::filesystem::directory_iterator entry{"/proc", failure}, end; !failure && entry != end;
       entry.increment(failure)) {
    const std::string name = entry->path().filename().string();
    if (name.front() < '0' || name.front() > '9') continue;
    auto usage = parse_process_usage(read_line("/proc/" + name + "/stat"));
    if (!usage || std::ranges::find(groups, usage->group) == groups.end()) continue;
    group_usage& sum = all[usage->group];
    sum.memory += usage->memory;
    sum.cpu += usage->cpu;
    if (sum.largest.process == 0 || usage->memory > sum.largest.memory) sum.largest = std::move(*usage);
  }
  return all;
}

}  // namespace millrace::loop
