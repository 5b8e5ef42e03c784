#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <millrace/base/result.hpp>
#include <millrace/loop/event_loop.hpp>

#include "tools/bench_arguments.hpp"
#include "tools/closed_cycle.hpp"
#include "tools/crew.hpp"
#include "tools/progress.hpp"

namespace millrace::tools {

/// One run against one server, from the first connection to the last job deleted. Owned by the bench; loop thread only.
class load {
 public:
  /// All outlive it. `number` marks its jobs.
  load(loop::event_loop& loop, const bench_options& options, const network::address& server, std::uint32_t number,
       const std::vector<std::string>& queues, progress& shown);

  /// What was measured. An error has `not_found` as its code when nobody, or nobody of the protocol, is there.
  loop::awaitable<result<tally>> run();

 private:
  loop::awaitable<result<>> work();
  loop::awaitable<result<>> connect();
  loop::awaitable<result<>> keep_rate();
  loop::awaitable<result<>> work_through(closed_plan::work what, std::uint64_t jobs, bool timed);

  loop::event_loop& loop_;
  const bench_options& options_;
  const network::address& server_;
  progress& progress_;
  const std::vector<std::string>& queues_;
  crew crew_;
  closed_run run_;
  tally measured_;
};

}  // namespace millrace::tools
