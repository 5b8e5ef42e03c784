#pragma once

#include <cstdint>

#include <millrace/base/result.hpp>

#include "control/actions.hpp"
#include "control/context.hpp"
#include "control/idempotency_keys.hpp"
#include "control/job_lists.hpp"
#include "control/rates.hpp"
#include "http/routes.hpp"
#include "http/server.hpp"
#include "loop/task_scope.hpp"
#include "network/bound_socket.hpp"

namespace millrace::control {

/// The control API: HTTP with JSON under `/v1`, on a listener of its own. `deploy/openapi.yaml` describes it. The
/// permissions of the Unix socket decide which processes can use it. Each change is logged with the user and the
/// process of its client.
///
/// Owned by the daemon. Loop thread only. Commands go through the broker, and an answer leaves when what it says is
/// durable. Requires: `close` has returned before it is destroyed.
class api {
 public:
  /// Further clients wait in the listen backlog.
  static constexpr std::uint32_t connections_max = 64;

  /// Bytes of the body of a request: jobs are put with it.
  static constexpr std::uint64_t body_bytes_max = 1u << 20;

  /// `http_limits` bound each connection.
  explicit api(context facts, http::connection_limits http_limits = {.body_bytes_max = body_bytes_max});
  ~api();
  api(const api&) = delete;
  api& operator=(const api&) = delete;

  result<> open(network::bound_socket socket);
  [[nodiscard]] bool is_open() const noexcept { return open_; }
  [[nodiscard]] const network::address& local_address() const noexcept { return server_.local_address(); }
  [[nodiscard]] const network::listener_counts& connections() const noexcept { return server_.counts(); }

  /// The daemon has its jobs back: bulk changes of the last process go on.
  void resume();
  /// The daemon drains: actions end at their next step, and none begins.
  void drain() { actions_.stop(); }
  /// Ends the actions, then the connections.
  loop::awaitable<> close();

 private:
  context context_;
  rates rates_;
  actions actions_;
  job_lists lists_;
  idempotency_keys group_keys_;
  http::routes routes_;
  http::server server_;
  loop::task_scope sampling_;
  bool open_{false};
};

}  // namespace millrace::control
