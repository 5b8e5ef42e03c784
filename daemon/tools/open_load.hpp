#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <millrace/base/result.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/wait_point.hpp>

#include "tools/crew.hpp"
#include "tools/joint_work.hpp"
#include "tools/open_cycle.hpp"

namespace millrace::tools {

/// An open loop over a crew's connections: the first half of them, rounded up, puts; the others stand in reserve. Owned by the run; loop thread.
class open_load {
 public:
  /// Puts that were not taken by the server's sockets yet; beyond it the server is too slow for the rate.
  static constexpr std::size_t unsent_bytes_max = 64u << 20;
  /// How long the last jobs may take to come out after nothing else happens.
  static constexpr duration last_jobs_patience = seconds{10};

  open_load(loop::event_loop& loop, crew& connections, open_run& run);
  ~open_load();
  open_load(const open_load&) = delete;
  open_load& operator=(const open_load&) = delete;

  /// To the last job: an error when the server refuses, or one is lost.
  loop::awaitable<result<>> work(joint_work& parts);

 private:
  struct sender;

  static loop::awaitable<result<>> keep_schedule(open_load& self, joint_work& parts);
  static loop::awaitable<result<>> hear_replies(open_load& self, sender& to);
  static loop::awaitable<result<>> send_rest(open_load& self, sender& to);
  static loop::awaitable<result<>> consume(open_load& self, network::connection& at);
  result<> send_due(joint_work& parts);
  result<> send(sender& to, joint_work& parts);
  loop::awaitable<> until_all_are_out();

  loop::event_loop& loop_;
  crew& crew_;
  open_run& run_;
  std::vector<std::unique_ptr<sender>> senders_;
  loop::wait_point came_out_;
  std::uint64_t next_{0};  ///< number of the next job
};

}  // namespace millrace::tools
