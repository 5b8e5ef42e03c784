#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <millrace/base/result.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/wait_point.hpp>

#include "tools/connection_group.hpp"
#include "tools/open_cycle.hpp"
#include "tools/task_group.hpp"

namespace millrace::tools {

/// Runs an open loop on a group of connections: the first half of them, rounded up, puts, and the others reserve. Owned
/// by the run; loop thread only.
class open_load {
 public:
  /// Limit of bytes that the sockets have not accepted yet. Beyond it the server is too slow for the rate.
  static constexpr std::size_t unsent_bytes_max = 64u << 20;
  /// The longest time without any reply while the last jobs are awaited.
  static constexpr duration last_jobs_patience = seconds{10};

  open_load(loop::event_loop& loop, connection_group& connections, open_run& run);
  ~open_load();
  open_load(const open_load&) = delete;
  open_load& operator=(const open_load&) = delete;

  /// Runs to the last job. An error: the server refused a command, or a job was lost.
  loop::awaitable<result<>> work(task_group& parts);

 private:
  struct sender;

  static loop::awaitable<result<>> keep_schedule(open_load& self, task_group& parts);
  static loop::awaitable<result<>> hear_replies(open_load& self, sender& to);
  static loop::awaitable<result<>> send_rest(open_load& self, sender& to);
  static loop::awaitable<result<>> consume(open_load& self, network::connection& server);
  result<> send_due(task_group& parts);
  result<> send(sender& to, task_group& parts);
  loop::awaitable<> until_all_are_out();

  loop::event_loop& loop_;
  connection_group& connections_;
  open_run& run_;
  std::vector<std::unique_ptr<sender>> senders_;
  loop::wait_point all_answered_;
  std::uint64_t next_{0};  ///< number of the next job
};

}  // namespace millrace::tools
