#pragma once

#include <set>
#include <string>
#include <vector>

#include "broker/broker.hpp"
#include "settings/settings.hpp"

namespace millrace::service {

/// Finds queues of the settings that are full, have waiting puts, and will not be emptied: all their jobs are buried,
/// or no consumer and no client watches them. Logs them for the operator. `--until-idle` would not end because of them.
///
/// Owned by the lifecycle. Loop thread only.
class stuck_queues {
 public:
  /// Requires: `broker` outlives this object.
  explicit stuck_queues(const broker::broker& broker) : broker_{broker} {}

  /// The queues of these settings are checked from now on.
  void watch(const settings::settings& settings);

  /// Checks each queue, and logs those that were not stuck at the last check. True: some are stuck.
  bool check();
  /// For people: why no work can continue, as of the last check. Requires: none can.
  [[nodiscard]] std::string reason() const;

 private:
  const broker::broker& broker_;
  std::set<std::string> names_;
  std::set<std::string> stuck_;
};

/// The queues from which a consumer of the settings takes jobs.
[[nodiscard]] std::vector<std::string> served_queues(const settings::settings& settings);

}  // namespace millrace::service
