#pragma once

#include <array>
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
    engine::queue_levels levels; ///< `oldest_…` as instants; of a sum the oldest of all
    std::uint64_t paused{0};     ///< 1 when paused; of a sum how many are
    bool timed{false};           ///< has histograms
    folded_histogram wait, service, end_to_end;
};

struct queue_copy {
    instant at{};
    std::vector<queue_row> rows; ///< the last one is `__other__`
};

/// Which queues have rows of their own, and the copy of all of them for one scrape.
///
/// The first `named_queues_max` queues in order of creation get a row; a row that becomes free goes to a queue that was
/// never in `__other__`, so that no counter of `__other__` goes down. A queue that is itself called `__other__` is
/// among the others. Owned by the page; loop thread only.
class queue_metrics {
public:
    explicit queue_metrics(shown_buckets const& buckets) : buckets_{buckets} {}

    /// Copies in slices of at most `slice_queues` queues, letting others run between them. One copy at a time.
    loop::awaitable<queue_copy> copy(loop::event_loop& loop, engine::engine const& engine);

    static constexpr std::size_t slice_queues = 256;
    static constexpr std::size_t slice_rows = 25; ///< of those that have histograms to fold

private:
    struct named {
        queue_id id;
        std::string name;
    };

    [[nodiscard]] bool has_row(queue_id queue) const;
    void keep_others_rising(queue_row& others);

    shown_buckets const& buckets_;
    std::vector<named> named_;    ///< by id
    std::uint32_t seen_up_to_{0}; ///< the highest id ever copied
    queue_row last_others_;       ///< as shown last
};

/// On any thread.
void write(exposition& page, queue_copy const& queues);

} // namespace millrace::telemetry
