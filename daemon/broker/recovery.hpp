#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <millrace/base/result.hpp>
#include <millrace/loop/event_loop.hpp>

#include "broker/broker.hpp"
#include "store/store.hpp"

namespace millrace::broker {

struct recovery_pace {
  /// A slice ends after this time, but not before 256 rows or 1 MiB of bodies.
  duration slice_length{milliseconds{4}};
  /// Between two lines of the log.
  duration report_interval{seconds{5}};
};

/// Brings what a store kept back into the broker, in slices of a few milliseconds, so that signals are handled and HTTP
/// is answered in between. Logs its progress.
///
/// Owned by the daemon; loop thread only. May be destroyed between two slices: recovery writes nothing.
class recovery {
 public:
  /// Broker and store outlive it. `data_dir` is named in the log.
  recovery(loop::event_loop& loop, broker& broker, store::store& store, std::string data_dir, recovery_pace pace = {});

  /// True: all is back. Requires: it has returned neither true nor an error.
  [[nodiscard]] result<bool> run_slice();

 private:
  void report();

  loop::event_loop& loop_;
  broker& broker_;
  store::store& store_;
  const std::string data_dir_;
  const recovery_pace pace_;
  instant now_;
  instant next_report_;
  std::uint64_t jobs_{0};
  std::optional<std::uint64_t> id_mark_;  ///< once the store has given all
};

}  // namespace millrace::broker
