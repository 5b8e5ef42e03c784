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
  std::vector<std::string> remarks;  ///< records that end with their file: what was being written when the server died
};

/// Reads all `binlog.N` of a directory in order. An error: a beanstalkd has the directory open, or a record is invalid;
/// the text names the file and the byte. Everything is held in memory, as in beanstalkd.
[[nodiscard]] result<binlog_content> read_beanstalkd_binlog(const std::string& directory);

}  // namespace millrace::tools
