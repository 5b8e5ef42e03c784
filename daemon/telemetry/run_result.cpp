#include "telemetry/run_result.hpp"

#include <vector>

namespace millrace::telemetry {

namespace {

template <class Counters>
std::uint64_t sum_of(const Counters& counters) {
  std::uint64_t sum = 0;
  for (const auto& count : counters) sum += count.value();
  return sum;
}

void add(run_result& result, const engine::queue_counts& counts) {
  result.buried += sum_of(counts.buried);
  result.dead_lettered += sum_of(counts.dead_lettered);
  result.rejected += sum_of(counts.rejected);
  const auto ended = [&counts](engine::outcome outcome) {
    return counts.finished[static_cast<std::size_t>(outcome)].value();
  };
  result.dropped += ended(engine::outcome::dropped);
  result.expired += ended(engine::outcome::expired);
  result.cancelled += ended(engine::outcome::cancelled);
}

}  // namespace

bool run_result::all_done() const noexcept {
  using engine::outcome;
  const auto count_of = [this](outcome wanted) { return outcomes[static_cast<std::size_t>(wanted)]; };
  return count_of(outcome::failed) + count_of(outcome::timeout) + producer_errors + buried + dead_lettered + rejected ==
         0;
}

run_result result_of(const broker::broker& broker, const workload::workload& work) {
  run_result sum;
  for (const auto& consumer : work.consumers()) {
    for (std::size_t i = 0; i < sum.outcomes.size(); ++i) sum.outcomes[i] += consumer->outcomes[i].value();
    sum.retried += consumer->retried.value();
    sum.postponed += consumer->postponed.value();
    sum.interrupted += consumer->interrupted.value();
  }
  for (const auto& producer : work.producers()) sum.producer_errors += producer->errors.value();
  // Each event is counted in one of: an existing queue, a removed queue with a row, a removed queue without a row.
  const auto& engine = broker.engine();
  std::vector<queue_id> queues;
  engine.list_queues(0, engine.queue_count(), queues);
  for (const auto queue : queues) add(sum, engine.counts(queue));
  for (const auto& row : engine.rows().all()) add(sum, row.before);
  add(sum, engine.counts_of_removed());
  return sum;
}

}  // namespace millrace::telemetry
