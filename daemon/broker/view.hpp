#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include <millrace/base/ids.hpp>

#include "broker/broker.hpp"
#include "engine/command.hpp"
#include "engine/queue_counts.hpp"

namespace millrace::broker {

/// One queue at one moment. The references stay good while nothing else runs on the loop.
struct queue_view {
  queue_id id{};
  std::string_view name;
  engine::queue_levels levels;
  const engine::queue_counts* counts{nullptr};
  const engine::queue_timings* timings{nullptr};
};

/// For those who only look: counts, ages, peeks; there is no command here. Made anew wherever it is needed, on the loop's thread;
/// the broker outlives it.
class view {
 public:
  explicit view(const broker& looked_at) noexcept : broker_{looked_at} {}

  [[nodiscard]] std::size_t queue_count() const;
  /// The first `most` queues in order of creation.
  [[nodiscard]] std::vector<queue_view> queues(std::size_t most) const;
  [[nodiscard]] std::optional<queue_view> queue(std::string_view name) const;
  [[nodiscard]] queue_view queue(queue_id id) const;
  /// Counters of queues that have disappeared, and the timings that queues beyond the timed ones share.
  [[nodiscard]] const engine::queue_counts& counts_of_removed() const;
  [[nodiscard]] const engine::queue_timings& other_timings() const;

  [[nodiscard]] std::optional<engine::job_facts> look(job_id job) const;
  [[nodiscard]] std::optional<engine::job_facts> first_ready(queue_id queue) const;
  [[nodiscard]] std::optional<engine::job_facts> first_delayed(queue_id queue) const;
  [[nodiscard]] std::optional<engine::job_facts> first_buried(queue_id queue) const;

  [[nodiscard]] std::size_t job_count() const;
  [[nodiscard]] engine::engine_totals totals() const;
  /// See engine::list_queues.
  std::size_t list_queues(std::size_t start, std::size_t most, std::vector<queue_id>& into) const;
  [[nodiscard]] std::size_t bytes_of_records() const;
  /// Who stands before a full queue: with a put, with the output of a finished job.
  [[nodiscard]] const loop::backpressure& held_puts() const noexcept { return broker_.held_puts(); }
  [[nodiscard]] const loop::backpressure& held_outputs() const noexcept { return broker_.held_outputs(); }

 private:
  const broker& broker_;
};

}  // namespace millrace::broker
