#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <millrace/loop/event_loop.hpp>

#include "service/daemon.hpp"
#include "service/service_manager.hpp"

namespace millrace::service {

/// Reports to the service manager: READY when everything is open, a status line every few seconds, more time while
/// the daemon recovers or drains, and the watchdog. The watchdog is fed only if the loop turns and the thread that
/// writes the store has made progress since the last feed, so a daemon in which one of them hangs is restarted. A
/// full disk and a lock of another process do not count as a hang.
///
/// Owned by the lifecycle. Loop thread only. `run` ends when it is cancelled. Without a service manager it does
/// nothing.
class service_report {
 public:
  static constexpr duration status_interval = seconds{5};
  /// Feeds within the timeout of the watchdog, so that one late feed does not end the process.
  static constexpr int feeds_per_timeout = 4;
  /// Time that each message requests while the daemon recovers, drains or closes.
  static constexpr duration extension = seconds{30};
  /// Queues that are checked before other tasks may run: about 0.1 ms.
  static constexpr std::size_t slice_queues = 1'000;

  /// Requires: `parts` outlives this object.
  explicit service_report(daemon& parts) : parts_{parts} {}

  /// Between two slices of recovery. Sends at most one message a second.
  void recovering();
  void ready();
  loop::awaitable<> run();
  /// From now on `run` requests more time instead of sending a status.
  void draining();
  void closing();

 private:
  loop::awaitable<std::string> status();
  [[nodiscard]] std::uint64_t jobs_gone() const;
  void feed_watchdog();

  daemon& parts_;
  service_manager manager_;
  bool is_draining_{false};
  instant next_message_{};             ///< while recovering
  std::uint64_t jobs_gone_before_{0};  ///< at `measured_at_`
  instant measured_at_{};
  std::optional<std::uint64_t> last_heartbeat_;  ///< of the store, at the last feed
};

}  // namespace millrace::service
