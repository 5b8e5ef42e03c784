#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <millrace/base/result.hpp>
#include <millrace/loop/event_loop.hpp>

#include "broker/broker.hpp"
#include "http/readiness.hpp"
#include "loop/trace_recorder.hpp"
#include "offload/thread_pool.hpp"
#include "service/listening_sockets.hpp"
#include "service/reload.hpp"
#include "settings/settings.hpp"
#include "workload/workload.hpp"

namespace millrace::service {

/// Constructs and connects all parts of the program. `lifecycle` decides when they start and stop.
///
/// Owned by `run`. Loop thread only.
///
/// After `prepare` was called, `close` must be awaited before destruction, also when opening failed or was abandoned.
/// Before `prepare` it may be destroyed without `close`. The destructor joins the threads.
class daemon {
 public:
  /// Constructs all parts, and opens the store. The error names the resource that is missing (memory, a thread, a
  /// descriptor, the data directory) and the limit to raise. `cancelled`: SIGTERM came during a migration.
  [[nodiscard]] static result<std::unique_ptr<daemon>> make(settings::settings settings,
                                                            workload::workload_options options,
                                                            listening_sockets sockets,
                                                            const reload_options& reloading = {});
  ~daemon();
  daemon(const daemon&) = delete;
  daemon& operator=(const daemon&) = delete;

  /// Opening has three steps. None of them throws; the error names what is missing, such as a port or a file.
  /// Step 1 declares the queues, opens HTTP and the control API, and begins recovery.
  result<> prepare();
  /// Step 2 recovers the jobs of the store, for a few milliseconds each time. Call it until it returns true, and let
  /// other tasks run between two calls.
  [[nodiscard]] result<bool> recover_slice();
  /// Step 3 opens the beanstalk listener and starts producers and consumers.
  result<> open();
  /// Refuses every put from now on, so producers end. Everything else continues.
  void refuse_puts();
  /// Stops producers, stops accepting clients, and gives no more jobs to clients and consumers.
  void begin_drain();
  /// Returns when every client has finished its jobs and received its replies, or after `timeout`, when the remaining
  /// clients are disconnected. No client holds a job afterwards. True: some were disconnected.
  /// Requires: `begin_drain` was called.
  loop::awaitable<bool> drain_clients(duration timeout);
  /// Jobs that clients deleted, released or buried since `begin_drain`.
  [[nodiscard]] std::uint64_t finished_by_clients() const noexcept;
  /// The heartbeat of the thread that writes the store. nullopt while there is nothing to watch.
  [[nodiscard]] std::optional<std::uint64_t> store_heartbeat() const;
  /// Closes the listeners and everything else that keeps the loop running.
  /// Requires: producers and consumers have ended.
  loop::awaitable<> close();

  [[nodiscard]] loop::event_loop& loop() noexcept;
  [[nodiscard]] const broker::broker& broker() const noexcept;
  [[nodiscard]] workload::workload& work() noexcept;
  [[nodiscard]] offload::thread_pool& threads() noexcept;
  /// The present settings: those of the start, or of the last reload. Valid until the loop turns.
  [[nodiscard]] const settings::settings& settings() const noexcept;
  [[nodiscard]] loop::trace_recorder& trace() noexcept;
  [[nodiscard]] reloader& reloads() noexcept;
  /// The state that `/readyz` reports.
  [[nodiscard]] http::readiness& readiness() noexcept;
  /// The address of the HTTP listener, with the port that the kernel chose. Empty when it is not open.
  [[nodiscard]] std::string http_address() const;
  /// The address of the beanstalk listener, likewise.
  [[nodiscard]] std::string beanstalk_address() const;
  /// The address of the control API, likewise.
  [[nodiscard]] std::string control_address() const;

 private:
  struct parts;
  explicit daemon(std::unique_ptr<parts> all);

  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::service
