#pragma once

#include <cstdint>
#include <string>

#include <millrace/base/result.hpp>
#include <millrace/loop/event_loop.hpp>

#include "broker/broker.hpp"
#include "store/sqlite_store.hpp"

namespace millrace::service {

struct recovery_pace {
  /// A slice ends when it has taken so long, but not before 256 rows. A single body that takes longer to read is read in one piece.
  duration slice_length{milliseconds{4}};
  /// Between two lines of the log.
  duration report_interval{seconds{5}};
};

/// Brings what the store kept into the broker, in slices of a few milliseconds, so that signals are heard and HTTP answers meanwhile. Logs progress.
///
/// Owned by the daemon; loop thread only. May be dropped between two slices: recovery writes nothing.
class recovery_pump {
 public:
  /// All three outlive it. `body_bytes_max`: what bodies may take of memory.
  recovery_pump(loop::event_loop& loop, broker::broker& broker, store::sqlite_store& disk, std::string data_dir,
                std::uint64_t body_bytes_max, recovery_pace pace = {});

  /// True: all is back. After that or an error it must not be called again.
  [[nodiscard]] result<bool> run_slice();

 private:
  void report();

  loop::event_loop& loop_;
  broker::broker& broker_;
  store::sqlite_store& disk_;
  const std::string data_dir_;
  const recovery_pace pace_;
  instant now_;
  instant next_report_;
  std::uint64_t jobs_{0};
};

}  // namespace millrace::service
