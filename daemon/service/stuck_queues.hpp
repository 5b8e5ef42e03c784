#pragma once

#include <set>
#include <string>
#include <vector>

#include "broker/broker.hpp"
#include "settings/settings.hpp"

namespace millrace::service {

/// Queues that are full of buried jobs while somebody waits to put into them: nothing in the program will ever make
/// room there. A person must hear of it, and `--until-idle` would not end.
///
/// Owned by the lifecycle; loop thread.
class stuck_queues {
 public:
  /// Both outlive it.
  stuck_queues(const broker::broker& broker, const settings::settings& what) : broker_{broker}, settings_{what} {}

  /// Those that were not so when last asked, each said in the log. Costs a look at each declared queue.
  std::vector<std::string> newly_stuck();

 private:
  const broker::broker& broker_;
  const settings::settings& settings_;
  std::set<std::string> known_;
};

}  // namespace millrace::service
