#include "telemetry/process.hpp"

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>

#include <sys/resource.h>
#include <unistd.h>

#include "base/directory.hpp"

namespace millrace::telemetry {

namespace {

std::string text_of(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// A field of /proc/self/stat by its number in proc(5). Field 2 is the name in parentheses, which may contain any
/// character, so the fields after it are counted from the last closing parenthesis.
std::optional<std::uint64_t> stat_field(const std::string& stat, int number) {
  const auto name_end = stat.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream rest{stat.substr(name_end + 1)};
  std::string word;
  for (int field = 3; field <= number; ++field)
    if (!(rest >> word)) return std::nullopt;
  std::uint64_t value = 0;
  const auto read = std::from_chars(word.data(), word.data() + word.size(), value);
  return read.ec == std::errc{} ? std::optional{value} : std::nullopt;
}

/// The boot time of the machine in seconds since 1970.
std::optional<double> boot_time(const std::string& proc) {
  std::istringstream lines{text_of(proc + "/stat")};
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("btime ")) return std::strtod(line.c_str() + 6, nullptr);
  return std::nullopt;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::optional<std::uint64_t> count_open_fds(const std::string& proc) {
  std::error_code failure;
  const auto descriptors = list_directory(proc + "/self/fd", failure);
  if (failure || descriptors.empty()) return std::nullopt;
  return descriptors.size() - 1;  // without the one that lists them
}

}  // namespace

// proc(5) and getrusage(2).
process_facts read_process_facts(const std::string& proc) {
  process_facts facts;
  rusage used{};
  if (getrusage(RUSAGE_SELF, &used) == 0) facts.cpu_seconds = seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) facts.max_fds = files.rlim_cur;
  facts.open_fds = count_open_fds(proc);

  const auto stat = text_of(proc + "/self/stat");
  facts.threads = stat_field(stat, 20);
  const auto booted = boot_time(proc);
  if (const auto ticks = stat_field(stat, 22); ticks && booted)
    facts.start_time_seconds = *booted + static_cast<double>(*ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
  facts.virtual_bytes = stat_field(stat, 23);
  if (const auto pages = stat_field(stat, 24))
    facts.resident_bytes = *pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return facts;
}

}  // namespace millrace::telemetry
