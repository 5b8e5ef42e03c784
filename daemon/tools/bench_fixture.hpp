#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <millrace/base/result.hpp>
#include <millrace/loop/event_loop.hpp>

#include "network/beanstalk_client.hpp"
#include "tools/bench_arguments.hpp"
#include "tools/closed_cycle.hpp"
#include "tools/progress.hpp"

namespace millrace::tools {

/// What stands around a load at one server, so that it is measured with many connections, many queues or many jobs: made once before the first
/// run, taken away after the last. Owned by the bench; loop thread only.
class surroundings {
 public:
  /// `queues` are those of the load. All outlive it.
  surroundings(loop::event_loop& loop, const bench_options& options, const network::address& server, std::uint32_t run,
               const std::vector<std::string>& queues, progress& shown);

  loop::awaitable<result<>> make();
  /// Also empties the load's queues when `whatever_is_left`: a run that failed leaves jobs behind. Best effort, then an error.
  loop::awaitable<result<>> take_away(bool whatever_is_left);

 private:
  static loop::awaitable<result<>> connect_idle(surroundings& self, network::connection& idle);
  loop::awaitable<result<>> open_idle_connections();
  loop::awaitable<result<>> make_extra_queues();
  loop::awaitable<result<>> delete_extra_jobs();
  loop::awaitable<result<>> put_backlog();
  loop::awaitable<result<>> empty_queues();
  loop::awaitable<result<>> work_through(closed_run& run, const char* what);

  loop::event_loop& loop_;
  const bench_options& options_;
  const network::address& server_;
  std::uint32_t run_;
  const std::vector<std::string>& queues_;
  progress& progress_;
  std::vector<std::unique_ptr<network::connection>> idle_;
  std::vector<std::uint64_t> extra_jobs_;
};

}  // namespace millrace::tools
