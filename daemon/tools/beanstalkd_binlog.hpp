#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <millrace/base/result.hpp>

#include "engine/change.hpp"

namespace millrace::tools {

/// What stands in the log directory of a beanstalkd 1.12 (`-b DIR`, format 7). Times are those of the wall, as instants since 1970.
struct binlog_content {
  struct kept {
    engine::kept_job job;
    std::string queue;
  };
  std::vector<kept> jobs;  ///< in order of id, then buried ones in the order of their last records
  std::uint64_t highest_id{0};
  std::vector<std::string> remarks;  ///< records that end with their file: what was being written when the server died
};

/// Reads all `binlog.N` of a directory in their order. Refused: one that a beanstalkd has open; a record that means nothing is an error that
/// names file and byte. All of it is held in memory, as beanstalkd does.
[[nodiscard]] result<binlog_content> read_beanstalkd_binlog(const std::string& directory);

}  // namespace millrace::tools
