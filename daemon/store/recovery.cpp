// What was kept comes back when the store is opened.
#include <cassert>
#include <string>
#include <unordered_map>
#include <utility>

#include "store/reader.hpp"
#include "store/sqlite_store_parts.hpp"

namespace millrace::store {

result<std::uint64_t> sqlite_store::recover(const std::function<queue_id(std::string_view)>& queue_of,
                                            const std::function<void(engine::kept_job&&)>& job,
                                            const std::function<void(const recovered_pause&)>& pause,
                                            std::uint64_t body_bytes_max) {
  parts& its = *parts_;
  assert(its.data && "before the first change");
  reader from{*its.data, its.around.wall_offset()};
  struct found {
    kept_queue row;
    queue_id queue{};
  };
  std::unordered_map<queue_number, found> queues;
  const auto known = [&](found& it) {
    if (!it.queue) {
      it.queue = queue_of(it.row.name);
      its.open.queues.recovered(it.row.number, it.queue, it.row.name, it.row.paused);
    }
    return it.queue;
  };

  const auto all_queues = from.each_queue([&](kept_queue&& row) {
    row.paused = row.paused && row.paused_until > its.loop.now();
    const auto number = row.number;
    queues[number].row = std::move(row);
  });
  if (!all_queues) return damage(its.directory, all_queues.error());
  const auto all_jobs = from.each_job(
      [&](engine::kept_job&& it, queue_number number, std::uint64_t burying) -> result<> {
        const auto of = queues.find(number);
        if (of == queues.end())
          return invalid("job " + std::to_string(it.job.value()) + " is in a queue that is not there");
        it.queue = known(of->second);
        its.open.recovered(it.queue, burying);
        job(std::move(it));
        return {};
      },
      body_bytes_max);
  if (!all_jobs) return damage(its.directory, all_jobs.error());
  for (auto& [number, it] : queues) {
    if (it.row.paused) {
      pause({known(it), it.row.paused_until, it.row.paused_for});
    } else if (!it.queue) {
      its.open.queues.forgotten(number, its.open.writable());
    }
  }
  const auto mark = from.id_mark();
  if (!mark) return damage(its.directory, mark.error());
  return *mark;
}

}  // namespace millrace::store
