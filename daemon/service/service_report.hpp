#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <millrace/loop/event_loop.hpp>

#include "service/daemon.hpp"
#include "service/service_manager.hpp"

namespace millrace::service {

/// Reports to the service manager: READY when everything is open, a status line every few seconds, more time while
/// the daemon recovers or drains, and the watchdog. The watchdog is fed, and more time requested, only if the loop
/// turns and the thread that writes the store and each busy worker of the offload pool have made progress since the
/// last feed. So a daemon in which one of them hangs is restarted, and one that hangs while it drains is ended. A full
/// disk and a lock of another process do not count as a hang, nor does a long computation: it makes progress with each
/// step. A single step that exceeds the timeout of the watchdog is a hang.
///
/// Owned by the lifecycle. Loop thread only. `run` ends when it is cancelled. Without a service manager it does
/// nothing.
class service_report {
 public:
  static constexpr duration status_interval = seconds{5};
  /// Feeds within the timeout of the watchdog, so that one late feed does not end the process.
  static constexpr int feeds_per_timeout = 4;
  /// Checks without progress after which the log names the part that hangs: half of the timeout of the watchdog.
  static constexpr int checks_before_warning = feeds_per_timeout / 2;
  /// Time that each message requests while the daemon recovers, drains or closes; at least the timeout of the watchdog.
  static constexpr duration extension = seconds{30};
  /// Queues that are checked before other tasks may run: about 0.1 ms.
  static constexpr std::size_t slice_queues = 1'000;

  /// Requires: `parts` outlives this object.
  explicit service_report(daemon& parts) : parts_{parts} {}

  /// Between two slices of recovery. Sends at most one message a second.
  void recovering();
  void ready();
  loop::awaitable<> run();
  /// The settings are being reloaded, or the reload has ended.
  void reloading();
  void reloaded();
  /// From now on `run` requests more time instead of sending a status.
  void draining();
  void closing();

 private:
  loop::awaitable<std::string> status();
  [[nodiscard]] std::uint64_t jobs_gone() const;
  /// The part that has made no progress since `mark_progress`. Empty: all parts have.
  [[nodiscard]] std::string_view part_without_progress() const;
  void mark_progress();
  /// Feeds the watchdog if all parts have made progress since it was last fed.
  void check_progress();
  void extend_timeout(std::string_view status);

  daemon& parts_;
  service_manager manager_;
  bool is_draining_{false};
  instant next_message_{};             ///< while recovering
  std::uint64_t jobs_gone_before_{0};  ///< at `measured_at_`
  instant measured_at_{};
  std::optional<std::uint64_t> last_heartbeat_;  ///< of the store, at the last feed
  int checks_without_progress_{0};
};

}  // namespace millrace::service
