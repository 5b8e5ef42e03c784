#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <millrace/base/ids.hpp>

#include "control/actions.hpp"
#include "control/context.hpp"
#include "control/job_filter.hpp"

/// The work of bulk actions. Each step is one command of the broker on at most `engine::moves_per_turn_max` jobs, and
/// is counted when its changes are durable. The next step begins after that, so the write backlog has one step of an
/// action at most. An action that is stopped, or whose process is killed, has changed whole jobs only.
namespace millrace::control {

/// Deletes the jobs of that queue that are in these states now. Jobs that come later stay, and so do jobs that a
/// consumer or client holds. Each job is looked at when its turn comes.
loop::awaitable<> purge(const context& context, queue_id queue, std::vector<engine::job_state> states, action& facts);

/// A change of all jobs of a queue that a selection finds.
struct bulk_change {
  job_selection selection{};
  engine::job_change change{};
  std::optional<std::uint64_t> jobs_max{};  ///< changed at most
  std::optional<double> rate{};             ///< changes a second at most
  bool dry_run{false};                      ///< counts what it would change
  // Of an action that goes on after a restart. For others `began` is never.
  instant began{never};  ///< `older` counts from there, as far as the store kept when a job entered its state
  std::uint64_t last_job{UINT64_MAX};  ///< jobs with greater ids came later, and stay as they are
};

/// Walks through the states of the selection one after the other. In each state it begins with the job that has been in
/// it longest. Each job is looked at when its turn comes. Jobs that enter a state after the walk through it has begun
/// stay as they are. The work ends when the queue is removed.
///
/// `description` and the progress are kept on disk until the work is done or a client stops it, so the action goes on
/// after a restart. Nothing is kept of a dry run, or without a data directory.
loop::awaitable<> change_jobs(const context& context, queue_id queue, bulk_change wanted,
                              boost::json::object description, action& facts);

}  // namespace millrace::control
