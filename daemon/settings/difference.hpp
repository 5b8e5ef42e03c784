#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/option_difference.hpp"
#include "settings/diagnostic.hpp"
#include "settings/document.hpp"
#include "settings/settings.hpp"

namespace millrace::settings {

/// The options of `daemon` that a reload changes in place. All others are fixed while the daemon runs.
inline constexpr std::array<std::string_view, 5> changeable_daemon_keys{"drain_timeout", "stall_threshold",
                                                                        "queues_max", "metrics_linger", "log"};

/// The entries of one section that differ between two settings, each list in the order of its file.
struct changed_names {
  std::vector<std::string> added, removed, changed;

  [[nodiscard]] bool empty() const noexcept { return added.empty() && removed.empty() && changed.empty(); }
};

/// What differs between two checked settings.
struct difference {
  std::vector<std::string> daemon_keys;  ///< options of `daemon` that change in place
  bool queue_defaults{false};
  changed_names queues;
  changed_names producers;
  changed_names consumers;
  std::vector<changed_option> fixed;  ///< that cannot change while the daemon runs, with all their keys

  [[nodiscard]] bool empty() const noexcept;
  /// One line for each change: `queue numbers: changed`.
  [[nodiscard]] std::vector<std::string> lines() const;
};

/// Compares values, not texts: an option that is left out equals one that is set to its default. The durability of a
/// queue that is in both settings is fixed. Requires: relative paths of both are resolved.
[[nodiscard]] difference compare(const settings& present, const settings& next);

/// One error for each fixed option, at its position in the new file.
[[nodiscard]] std::vector<diagnostic> refusals_of(const difference& changes, const std::string& file, const node& root);

}  // namespace millrace::settings
