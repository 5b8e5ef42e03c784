#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <millrace/base/result.hpp>
#include <millrace/loop/event_loop.hpp>

#include "tools/bench_arguments.hpp"
#include "tools/closed_cycle.hpp"
#include "tools/connection_group.hpp"
#include "tools/progress.hpp"

namespace millrace::tools {

/// One run against one server, from the first connection to the last job deleted. Owned by the bench; loop thread only.
class load {
 public:
  /// `number` marks the jobs of this call of the program, so that jobs of others are recognized. Requires: all
  /// parameters outlive the object.
  load(loop::event_loop& loop, const bench_options& options, const network::address& server, std::uint32_t number,
       const std::vector<std::string>& queues, progress& shown);

  /// Returns the statistics of the run. The code `not_found`: no server, or none that speaks the protocol.
  loop::awaitable<result<run_stats>> run();

 private:
  loop::awaitable<result<>> work();
  loop::awaitable<result<>> connect();
  loop::awaitable<result<>> keep_rate();
  loop::awaitable<result<>> work_through(closed_plan::work task, std::uint64_t jobs, bool timed);

  loop::event_loop& loop_;
  const bench_options& options_;
  const network::address& server_;
  progress& progress_;
  const std::vector<std::string>& queues_;
  connection_group connections_;
  closed_run run_;
  run_stats measured_;
};

}  // namespace millrace::tools
