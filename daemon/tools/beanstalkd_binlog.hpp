#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <millrace/base/result.hpp>

#include "engine/change.hpp"

namespace millrace::tools {

/// The content of the log directory of a beanstalkd 1.12 (`-b DIR`, format 7). Times are wall times, as instants since
/// 1970.
struct binlog_content {
  struct kept {
    engine::kept_job job;
    std::string queue;
  };
  std::vector<kept> jobs;  ///< in order of id, then buried ones in the order of their last records
  std::uint64_t highest_id{0};
  std::vector<std::string> remarks;  ///< one for each record that is cut off, because the server died while it wrote
};

/// Reads all `binlog.N` of a directory in order. An error: a beanstalkd has the directory open, there is no such file,
/// a file cannot be read or has another format, or a record is invalid. The text names the directory or the file, and
/// the byte of an invalid record. Everything is held in memory, as in beanstalkd.
[[nodiscard]] result<binlog_content> read_beanstalkd_binlog(const std::string& directory);

}  // namespace millrace::tools
