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

/// The idle connections, extra queues and backlog that a server has while a load is measured. They are made once before
/// the first run and removed after the last. Owned by the bench; loop thread only.
class bench_fixture {
 public:
  /// `queues` are those of the load. Requires: all parameters outlive the object.
  bench_fixture(loop::event_loop& loop, const bench_options& options, const network::address& server, std::uint32_t run,
                const std::vector<std::string>& queues, progress& shown);

  loop::awaitable<result<>> set_up();
  /// Removes all that `set_up` made. With `empty_load_queues` also the jobs in the queues of the load, since a run that
  /// failed leaves some. Does as much as it can, then returns the first error.
  loop::awaitable<result<>> tear_down(bool empty_load_queues);

 private:
  static loop::awaitable<result<>> connect_idle(bench_fixture& self, network::connection& idle);
  loop::awaitable<result<>> open_idle_connections();
  loop::awaitable<result<>> make_extra_queues();
  loop::awaitable<result<>> delete_extra_jobs();
  loop::awaitable<result<>> put_backlog();
  /// Asks the server until no connection uses a queue of the load. What a connection has put or held is in its queue
  /// when the server has seen its end. Fails after `answer_patience`, also if other clients use the
  /// queues.
  loop::awaitable<result<>> await_end_of_load();
  loop::awaitable<result<>> empty_queues();
  loop::awaitable<result<>> work_through(closed_run& run, const char* phase);

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
