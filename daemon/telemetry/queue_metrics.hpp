#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/ids.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "engine/engine.hpp"
#include "telemetry/exposition.hpp"

namespace millrace::telemetry {

/// The metrics of one queue, or the sum of many queues. Copied on the loop.
struct queue_row {
  std::string name;
  engine::queue_counts counts;
  engine::queue_levels levels;  ///< in a sum, `oldest_…` is the oldest of all
  std::uint64_t paused{0};      ///< number of paused queues
  /// `max_jobs` and `max_bytes`. nullopt in a sum, and after the queue was removed: nothing is limited there.
  std::optional<std::uint64_t> limit_jobs, limit_bytes;
  folded_histogram wait, service, end_to_end;
};

/// The bounds of the histograms of queues unless the settings name others. With them, the histograms of one queue take
/// 2 kB of a page; with the 25 bounds of `histogram_bounds::exported` they would take 5.5 kB.
[[nodiscard]] std::span<const duration> queue_bounds();

struct queue_copy {
  instant at{};                  ///< the time of the copy
  std::vector<queue_row> rows;   ///< the last one is `__other__`
  std::vector<duration> bounds;  ///< of the histograms
};

/// Copies all queues for one scrape: the rows of queues that have one (engine/queue_rows.hpp), then `__other__`, the
/// sum of all other queues. Rows are copied in one turn of the loop, so they are consistent. The sum is made in slices.
///
/// Owned by the page. Loop thread only.
class queue_metrics {
 public:
  /// Queues without a row that are added up before other tasks may run: about 0.1 ms.
  static constexpr std::size_t slice_queues = 64;

  /// Requires: `buckets` outlives this object.
  explicit queue_metrics(const shown_buckets& buckets) : buckets_{buckets} {}

  /// Requires: no other copy is in progress.
  loop::awaitable<queue_copy> copy(loop::event_loop& loop, const engine::engine& engine);

 private:
  void copy_row(const engine::queue_row& row, const engine::engine& engine, queue_copy& page);
  /// Raises counts that are lower than in the last copy, since counters of Prometheus never decrease.
  void keep_rising(queue_row& others);

  const shown_buckets& buckets_;
  queue_row last_others_;  ///< the sum of the last copy
};

/// Writes what a queue has or had: a state without jobs (but `ready`), an event that never happened and a histogram
/// that never counted are left out, but not in the row `__other__`. 200 queues in use, with names of nine letters, take
/// less than 600 kB; with jobs in all four states, 680 kB. Any thread.
void write(exposition& page, const queue_copy& queues);

}  // namespace millrace::telemetry
