#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <millrace/base/result.hpp>
#include <millrace/loop/event_loop.hpp>

#include "broker/broker.hpp"
#include "http/control.hpp"
#include "service/doors.hpp"
#include "settings/settings.hpp"
#include "workload/workload.hpp"

namespace millrace::service {

/// All parts of the program, made in the order of the rooms and tied together. It knows how they hang together, and
/// nothing of when they begin or end: that is the lifecycle's.
///
/// Owned by `main`; loop thread only. Opened once, then `close`, which must have been awaited even when opening
/// failed or was given up half-way; before `prepare` it may be destroyed as it is. The destructor joins the threads.
class daemon {
 public:
  /// Constructs all parts, and opens the store. `set` outlives the daemon. The error says what could not be had:
  /// memory, a thread, a descriptor, the data directory; and which limit to raise. `cancelled`: SIGTERM came during a
  /// migration.
  [[nodiscard]] static result<std::unique_ptr<daemon>> make(const settings::settings& set,
                                                            const workload::workload_options& options, doors sockets);
  ~daemon();
  daemon(const daemon&) = delete;
  daemon& operator=(const daemon&) = delete;

  /// Opens in three steps, none of which throws; an error says what could not be had: a port, a file. First: declares
  /// the queues and opens HTTP.
  result<> prepare();
  /// Second: brings back what a store kept, a few milliseconds of it; call again, with other things in between, until
  /// it gives true.
  [[nodiscard]] result<bool> recover_slice();
  /// Third: opens the door for clients, starts producers and consumers.
  result<> open();
  /// Every put of a client is refused from now on, for ever; all else goes on.
  void refuse_puts();
  /// Clients of the network and consumers are given no job any more; producers stop and no new clients come.
  void begin_drain();
  /// After `begin_drain`: returns when all clients have finished the jobs they hold and have their replies, or when
  /// `patience` is over and they were cut off; then no client holds a job. True if some were cut off.
  loop::awaitable<bool> drain_clients(duration patience);
  /// Jobs that clients deleted, released or buried since `begin_drain`.
  [[nodiscard]] std::uint64_t finished_by_clients() const noexcept;
  /// Of the thread that writes the store; none while there is nothing to watch.
  [[nodiscard]] std::optional<std::uint64_t> store_heartbeat() const;
  /// Closes the doors and everything that keeps the loop running. Producers and consumers must have ended.
  loop::awaitable<> close();

  [[nodiscard]] loop::event_loop& loop() noexcept;
  [[nodiscard]] const broker::broker& broker() const noexcept;
  [[nodiscard]] workload::workload& work() noexcept;
  /// What `/readyz` says.
  [[nodiscard]] http::control& control() noexcept;
  /// Where HTTP listens, with the port that the kernel chose; empty when it does not.
  [[nodiscard]] std::string http_address() const;
  /// The same for clients of the beanstalk protocol.
  [[nodiscard]] std::string beanstalk_address() const;

 private:
  struct parts;
  explicit daemon(std::unique_ptr<parts> made);

  std::unique_ptr<parts> parts_;
};

/// The first producer that would never end by itself, by name; empty when there is none.
[[nodiscard]] std::string endless_producer(const settings::settings& what);

}  // namespace millrace::service
