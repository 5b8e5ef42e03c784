#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <millrace/base/ids.hpp>

#include "broker/broker.hpp"
#include "workload/options.hpp"

namespace millrace::workload {

/// The group that the jobs of one run of a producer join. It is opened with the first job, so a run without jobs has
/// none. A producer that stores the position of its source goes on with the group of its last run, if that run was cut
/// off.
///
/// If a group cannot be opened, or takes no more members, this is logged and the jobs are put without a group. After a
/// group has cancelled its remaining jobs (`is_cancelled`), the producer puts no more jobs.
///
/// Owned by the producer, on the loop. Its session closes the group, unless `release` was called.
class producer_group {
 public:
  /// If the settings have no `group`, the group has no outcome and only tells when all jobs have ended. Requires: the
  /// broker outlives this object.
  producer_group(broker::broker& broker, session_id session, queue_id queue, const producer_settings& settings);

  /// Looks for groups of earlier runs. If the run `resumes`, it goes on with the newest; others are closed.
  void begin(bool resumes);
  /// The group of the next job; none: it joins no group.
  [[nodiscard]] engine::group_id of_next_job();
  /// The group has ended and cancels: no further job is wanted.
  [[nodiscard]] bool is_cancelled() const;
  /// A later run goes on with the group.
  void release();

 private:
  void open();
  void give_up(std::string_view reason);

  broker::broker& broker_;
  session_id session_;
  queue_id queue_;
  std::string producer_;
  std::string name_;
  std::optional<producer_group_options> options_;
  engine::group_id group_{};
  bool given_up_{false};
};

}  // namespace millrace::workload
