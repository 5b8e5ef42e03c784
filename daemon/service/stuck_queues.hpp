#pragma once

#include <set>
#include <string>

#include "broker/broker.hpp"
#include "settings/settings.hpp"

namespace millrace::service {

/// Queues of the settings that are full while somebody waits to put into them, and that nothing in the program will
/// empty: all their jobs are buried, or no consumer and no client watches them. A person must hear of it, and
/// `--until-idle` would not end.
///
/// Owned by the lifecycle; loop thread.
class stuck_queues {
 public:
  /// The broker outlives it.
  stuck_queues(const broker::broker& broker, const settings::settings& what);

  /// Looks at each queue; logs those that were not stuck at the last look.
  void look();
  /// As of the last look.
  [[nodiscard]] const std::set<std::string>& stuck() const noexcept { return stuck_; }

 private:
  const broker::broker& broker_;
  std::set<std::string> names_;
  std::set<std::string> stuck_;
};

}  // namespace millrace::service
