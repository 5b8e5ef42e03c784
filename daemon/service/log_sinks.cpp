#include "service/log_sinks.hpp"

// The header would add this file and line to each entry. Those of the logging call are not known.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <span>
#include <vector>

#include "service/escape.hpp"

namespace millrace::service {
namespace {

const char* name_of(log::level severity) {
  switch (severity) {
    case log::level::debug:
      return "debug";
    case log::level::info:
      return "info";
    case log::level::warning:
      return "warning";
    case log::level::error:
      return "error";
  }
  return "error";
}

std::string utc(wall_time time) {
  const auto since = std::chrono::floor<milliseconds>(time.time_since_epoch());
  const std::time_t whole = std::chrono::floor<seconds>(since).count();
  std::tm parts{};
  ::gmtime_r(&whole, &parts);
  char text[48];
  const auto length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  char milli[8];
  std::snprintf(milli, sizeof milli, ".%03dZ", static_cast<int>(since.count() - whole * 1000));
  return std::string{text, length} + milli;
}

std::string number_of(double value) {
  if (!std::isfinite(value)) return "null";
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

enum class quoting { where_needed, never, json };

std::string value_of(const log::field& field, quoting mode) {
  struct {
    quoting mode;
    std::string operator()(std::string_view text) const {
      switch (mode) {
        case quoting::json:
          return json_string(text);
        case quoting::where_needed:
          return plain_or_quoted(text);
        case quoting::never:
          break;
      }
      return std::string{text};
    }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(std::uint64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const { return number_of(number); }
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
  } const write{mode};
  return std::visit(write, field.value);
}

std::string with_fields(std::string sentence, std::span<const log::field> fields) {
  for (const auto& field : fields) {
    sentence += ' ' + std::string{field.key} + '=' + value_of(field, quoting::where_needed);
  }
  return sentence;
}

std::string upper_case(std::string_view key) {
  std::string name;
  for (const char c : key) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

void deliver_to_standard_error(std::string_view rendered) {
  while (!rendered.empty()) {
    const auto written = ::write(STDERR_FILENO, rendered.data(), rendered.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // closed or full: nowhere to report it
    rendered.remove_prefix(static_cast<std::size_t>(written));
  }
}

void deliver_to_journal(std::string_view rendered) {
  std::vector<::iovec> entries;
  while (!rendered.empty()) {
    const auto length = rendered.find('\0');
    entries.push_back({const_cast<char*>(rendered.data()), length});
    rendered.remove_prefix(length + 1);
  }
  ::sd_journal_sendv(entries.data(), static_cast<int>(entries.size()));
}

/// libsystemd does not report a missing journal.
bool has_journal(const std::string& path) {
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  path.copy(address.sun_path, path.size());
  const int probe = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  const bool answered = ::connect(probe, reinterpret_cast<const ::sockaddr*>(&address), sizeof address) == 0;
  ::close(probe);
  return answered;
}

}  // namespace

log::sink log_sink(log_format format) {
  if (format == log_format::journald && effective_format(format) != log_format::journald) {
    deliver_to_standard_error(std::string{"millraced: there is no journal at "} + journal_socket +
                              ": logging text to standard error\n");
  }
  const auto to_standard_error = [](log::level, std::string_view rendered) { deliver_to_standard_error(rendered); };
  switch (effective_format(format)) {
    case log_format::json:
      return {render_json, to_standard_error};
    case log_format::journald:
      return {[](const log::record& record, wall_time) { return render_journal(record); },
              [](log::level, std::string_view rendered) { deliver_to_journal(rendered); }};
    case log_format::automatic:
    case log_format::text:
      break;
  }
  return {render_text, to_standard_error};
}

log_format effective_format(log_format requested, const std::string& socket) {
  if (requested == log_format::journald) return has_journal(socket) ? requested : log_format::text;
  if (requested != log_format::automatic) return requested;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the environment never changes
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct ::stat ours {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &ours) != 0) return log_format::text;
  const bool same = std::to_string(ours.st_dev) + ':' + std::to_string(ours.st_ino) == stream;
  return same && has_journal(socket) ? log_format::journald : log_format::text;
}

std::string render_text(const log::record& record, wall_time time) {
  std::string text = utc(time) + ' ' + name_of(record.severity);
  text.resize(std::max(text.size() + 2, std::size_t{34}), ' ');  // aligns the events in one column
  return text + std::string{record.event} + "  " + with_fields(one_line(record.sentence), record.fields) + '\n';
}

std::string render_json(const log::record& record, wall_time time) {
  std::string text = "{\"time\":\"" + utc(time) + "\",\"level\":\"" + name_of(record.severity) +
                     "\",\"event\":" + json_string(record.event) + ",\"message\":" + json_string(record.sentence);
  for (const auto& field : record.fields) text += ',' + json_string(field.key) + ':' + value_of(field, quoting::json);
  return text + "}\n";
}

std::string render_journal(const log::record& record) {
  // The severities of syslog, which the journal expects.
  const char* priority = record.severity == log::level::error     ? "3"
                         : record.severity == log::level::warning ? "4"
                         : record.severity == log::level::info    ? "6"
                                                                  : "7";
  std::string entries;
  const auto add = [&entries](std::string_view name, std::string value) {
    std::replace(value.begin(), value.end(), '\0', ' ');
    entries += std::string{name} + '=' + value + '\0';
  };
  add("MESSAGE", with_fields(std::string{record.sentence}, record.fields));  // may have several lines
  add("PRIORITY", priority);
  add("SYSLOG_IDENTIFIER", "millraced");
  add("MILLRACE_EVENT", std::string{record.event});
  for (const auto& field : record.fields) add("MILLRACE_" + upper_case(field.key), value_of(field, quoting::never));
  return entries;
}

}  // namespace millrace::service
