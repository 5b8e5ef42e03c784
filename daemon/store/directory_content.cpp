#include "store/directory_content.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/directory.hpp"
#include "base/log.hpp"
#include "base/system_message.hpp"
#include "store/ballast.hpp"

namespace millrace::store {

namespace {

constexpr std::string_view data_file = "millrace.db";
constexpr std::string_view log_file = "millrace.db-wal";

/// `lost+found` is in the root of every ext4 file system.
constexpr std::array<std::string_view, 7> own_names{
    data_file, log_file, "millrace.db-shm", "millrace.db-journal", "millrace.lock", ballast::file_name, "lost+found"};

/// A name that tells whose data a directory holds.
struct marker {
  std::string_view name;
  std::string_view program;
};
constexpr std::array<marker, 8> markers{{
    {"dump.rdb", "Redis"},
    {"appendonly.aof", "Redis"},
    {"appendonlydir", "Redis"},
    {"PG_VERSION", "PostgreSQL"},
    {"ibdata1", "MySQL"},
    {"aria_log_control", "MariaDB"},
    {"mnesia", "RabbitMQ"},
    {"meta.properties", "Kafka"},
}};

/// beanstalkd numbers the files of its log: binlog.1, binlog.2 …
bool is_binlog(std::string_view name) {
  constexpr std::string_view stem = "binlog.";
  if (!name.starts_with(stem) || name.size() == stem.size()) return false;
  return name.find_first_not_of("0123456789", stem.size()) == std::string_view::npos;
}

struct content {
  std::vector<std::string> foreign;
  std::optional<std::string> binlog;
  std::optional<marker> database;
  bool has_data_file{false};
  bool has_orphaned_log{false};
};

result<content> read_content(const std::string& data_dir) {
  content found;
  std::error_code failure;
  const auto names = list_directory(data_dir, failure);
  // An operator may allow a directory to be used but not listed; one that does not exist is created later.
  if (failure == std::errc::no_such_file_or_directory || failure == std::errc::permission_denied ||
      failure == std::errc::not_a_directory) {
    return found;
  }
  if (failure) return error{errc::io, data_dir + ": " + system_message(failure.value())};
  const std::string log_path = data_dir + "/" + std::string{log_file};
  bool has_log = false;
  for (const std::string& name : names) {
    found.has_data_file |= name == data_file;
    struct stat facts {};
    if (name == log_file) has_log = ::stat(log_path.c_str(), &facts) == 0 && facts.st_size > 0;
    if (std::find(own_names.begin(), own_names.end(), name) != own_names.end()) continue;
    if (is_binlog(name)) found.binlog = name;
    for (const auto& one : markers)
      if (name == one.name) found.database = one;
    found.foreign.push_back(name);
  }
  found.has_orphaned_log = has_log && !found.has_data_file;
  std::sort(found.foreign.begin(), found.foreign.end());
  return found;
}

result<> refuse_data_that_would_be_ignored(const std::string& data_dir, const content& found) {
  if (found.binlog) {
    return error{errc::refused, data_dir + ": holds the log of a beanstalkd (" + *found.binlog +
                                    "): use another directory, or copy its jobs into one with 'millrace import --from "
                                    "beanstalkd-binlog " +
                                    data_dir + " NEW_DATA_DIR'"};
  }
  if (found.database && !found.has_data_file) {
    return error{errc::refused, data_dir + ": holds data of " + std::string{found.database->program} + " (" +
                                    std::string{found.database->name} + "): use another directory"};
  }
  return {};
}

void warn(const std::string& data_dir, const std::vector<std::string>& foreign) {
  std::string names;
  for (std::size_t n = 0; n < std::min(foreign.size(), foreign_files_named_max); ++n) {
    names += (n > 0 ? ", " : "") + foreign[n];
  }
  log::warning("foreign_files", "the data directory holds files that are not millrace's; they are left alone",
               {{"data_dir", data_dir}, {"files", names}, {"count", foreign.size()}});
}

}  // namespace

result<> check_content(const std::string& data_dir, foreign_data answer) {
  const auto found = read_content(data_dir);
  if (!found) return found.error();
  // Not even by tools that only read: opening the data file would discard this log.
  if (found->has_orphaned_log) {
    return error{errc::refused, data_dir + ": " + std::string{log_file} + " is there without " +
                                    std::string{data_file} + ", which was removed: put that file back, or remove " +
                                    std::string{log_file} + " to begin empty"};
  }
  if (answer == foreign_data::refuse) {
    if (auto own = refuse_data_that_would_be_ignored(data_dir, *found); !own) return own;
  }
  if (!found->foreign.empty()) warn(data_dir, found->foreign);
  return {};
}

}  // namespace millrace::store
