#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/ids.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "engine/engine.hpp"
#include "telemetry/exposition.hpp"

namespace millrace::telemetry {

/// Queues that have rows of their own.
inline constexpr std::size_t named_queues_max = 200;
/// The row of all others.
inline constexpr std::string_view other_queues = "__other__";

/// One queue's row, or the sum of many, as copied on the loop.
struct queue_row {
  std::string name;
  engine::queue_counts counts;
  engine::queue_levels levels;  ///< of a sum, `oldest_…` is the oldest of all
  std::uint64_t paused{0};      ///< 1 when paused; of a sum, how many are
  bool timed{false};            ///< has histograms
  folded_histogram wait, service, end_to_end;
};

struct queue_copy {
  instant at{};
  std::vector<queue_row> rows;  ///< the last one is `__other__`
};

/// Which queues have rows of their own, and the copy of all queues for one scrape.
///
/// The first `named_queues_max` queues in order of creation get a row; a row that becomes free goes to a queue created
/// later, never to one that was counted in `__other__`, so that no counter of `__other__` goes down. What removed
/// queues had counted is in `__other__` too. A queue that is itself called `__other__` gets no row.
///
/// Owned by the page; loop thread only.
class queue_metrics {
 public:
  /// Queues copied before others may run: about 0.1 ms.
  static constexpr std::size_t slice_queues = 64;

  /// `buckets` outlives it.
  explicit queue_metrics(const shown_buckets& buckets) : buckets_{buckets} {}

  /// One copy at a time.
  loop::awaitable<queue_copy> copy(loop::event_loop& loop, const engine::engine& engine);

 private:
  struct named {
    queue_id id;
    bool alive{true};
  };

  void name_newcomers(const engine::engine& engine);
  void copy_queue(queue_id queue, const engine::engine& engine, queue_copy& into, queue_row& others);
  [[nodiscard]] bool has_row(queue_id queue);
  void keep_rising(queue_row& others);

  const shown_buckets& buckets_;
  std::vector<named> named_;  ///< by id
  std::size_t newer_{0};      ///< the place from which queues stand that no copy has seen
  queue_row last_others_;     ///< as it was shown last
};

/// On any thread.
void write(exposition& page, const queue_copy& queues);

}  // namespace millrace::telemetry
