#include "broker/view.hpp"

namespace millrace::broker {

std::vector<queue_view> view::queues(std::size_t most) const {
  std::vector<queue_id> ids;
  broker_.looking().list_queues(0, most, ids);
  std::vector<queue_view> seen;
  seen.reserve(ids.size());
  for (const auto id : ids) seen.push_back(queue(id));
  return seen;
}

std::optional<queue_view> view::queue(std::string_view name) const {
  const auto id = broker_.looking().find(name);
  if (!id) return std::nullopt;
  return queue(*id);
}

queue_view view::queue(queue_id id) const {
  const auto& engine = broker_.looking();
  return {id, engine.name_of(id), engine.levels(id), &engine.counts(id), &engine.timings(id)};
}

std::size_t view::queue_count() const { return broker_.looking().queue_count(); }

const engine::queue_counts& view::counts_of_removed() const { return broker_.looking().counts_of_removed(); }

const engine::queue_timings& view::other_timings() const { return broker_.looking().other_timings(); }

std::optional<engine::job_facts> view::look(job_id job) const { return broker_.looking().look(job); }

std::optional<engine::job_facts> view::first_ready(queue_id queue) const {
  return broker_.looking().first_ready(queue);
}

std::optional<engine::job_facts> view::first_delayed(queue_id queue) const {
  return broker_.looking().first_delayed(queue);
}

std::optional<engine::job_facts> view::first_buried(queue_id queue) const {
  return broker_.looking().first_buried(queue);
}

std::size_t view::job_count() const { return broker_.looking().job_count(); }

engine::engine_totals view::totals() const { return broker_.looking().totals(); }

std::size_t view::list_queues(std::size_t start, std::size_t most, std::vector<queue_id>& into) const {
  return broker_.looking().list_queues(start, most, into);
}

std::size_t view::bytes_of_records() const { return broker_.looking().bytes_of_records(); }

}  // namespace millrace::broker
