#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include <millrace/base/ids.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "engine/engine.hpp"

namespace millrace::control {

/// How many jobs a second each queue gets, hands out and ends, over the last 1, 5 and 15 minutes: means that weigh a
/// second less the longer it is past, as the load of Unix does. A queue that is younger than a window has the mean of
/// its own age there.
///
/// Reads the counters of all queues every `interval`, `slice_queues` a turn; jobs cost nothing. 100 B for each queue.
///
/// Owned by the API. Loop thread only. `run` ends when it is cancelled.
class rates {
 public:
  static constexpr duration interval = seconds{5};
  static constexpr std::size_t slice_queues = 500;
  static constexpr std::array<duration, 3> windows{minutes{1}, minutes{5}, minutes{15}};

  /// Jobs a second, for each window.
  using rate = std::array<double, windows.size()>;
  struct queue_rates {
    rate puts{};
    rate reserves{};
    rate ends{};  ///< done, failed, timed out, cancelled, dropped and deleted
  };

  explicit rates(const engine::engine& engine) : engine_{engine} {}

  loop::awaitable<> run(loop::event_loop& loop);
  /// Begins a sweep over all queues: reads at most `slice_queues`. Call `sweep_on` until it returns true.
  bool begin_sweep(instant now);
  bool sweep_on();
  /// nullopt until a sweep has read the queue. The first sweep of all does not count: no time has passed before it.
  [[nodiscard]] std::optional<queue_rates> of(queue_id queue) const;

 private:
  static constexpr std::size_t counters = 3;
  using counts = std::array<std::uint64_t, counters>;

  struct history {
    counts last{};
    std::array<std::array<float, windows.size()>, counters> mean{};
    std::array<float, windows.size()> weight{};  ///< of what `mean` holds; 1: the whole window
    std::uint64_t sweep{0};                      ///< the last one that found the queue
  };

  [[nodiscard]] counts counts_of(queue_id queue) const;
  void read(queue_id queue);

  const engine::engine& engine_;
  std::map<queue_id, history> queues_;
  std::vector<queue_id> slice_;
  std::uint64_t sweep_{0};
  std::optional<instant> began_at_;            ///< of this sweep
  double elapsed_{0};                          ///< seconds between the begins of this sweep and the last one
  std::array<double, windows.size()> kept_{};  ///< the share of a mean that is left after `elapsed_`
  std::size_t next_{0};                        ///< index in the list of queues
  bool removing_{false};                       ///< the histories of queues that are gone
  queue_id last_checked_{};
};

}  // namespace millrace::control
