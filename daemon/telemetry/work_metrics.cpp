#include "telemetry/work_metrics.hpp"

#include <millrace/loop/deadline.hpp>

namespace millrace::telemetry {

namespace {

work_copy::pool copy_pool(std::string_view name, const offload::pool_counts& counts, const shown_buckets& buckets) {
  work_copy::pool copied{name, counts.workers, counts.busy, counts.pending, counts.busy_nanoseconds.value(), {}};
  copied.wait.add(counts.wait, buckets);
  return copied;
}

work_copy::stage copy_stage(std::string_view name, const loop::backpressure& held, instant now) {
  return {name, held.active(), held.total(now)};
}

}  // namespace

loop::awaitable<work_copy> copy_work(loop::event_loop& loop, const workload::workload& work,
                                     const offload::thread_pool& threads, const broker::broker& broker,
                                     const shown_buckets& buckets) {
  work_copy copied;
  copied.pools.push_back(copy_pool("threads", threads.counts(), buckets));
  const auto now = loop.now();
  copied.stages = {copy_stage("producer", work.held_producers(), now), copy_stage("put", broker.held_puts(), now),
                   copy_stage("output", broker.held_outputs(), now), copy_stage("offload", threads.held(), now)};

  // Use an index, since the lists may change between two slices.
  for (std::size_t i = 0; i < work.producers().size(); ++i) {
    const auto& one = *work.producers()[i];
    if (work.is_shown(one.removed_at, now))
      copied.producers.push_back({one.name, one.jobs.value(), one.errors.value(), one.lag_at(now)});
    if (i % work_slice == work_slice - 1) co_await loop::yield(loop);
  }
  for (std::size_t i = 0; i < work.consumers().size(); ++i) {
    const auto& one = *work.consumers()[i];
    if (work.is_shown(one.removed_at, now))
      copied.consumers.push_back(
          {one.name, one.active, one.concurrency, one.slot_restarts.value(), one.stuck, one.moved.value()});
    if (i % work_slice == work_slice - 1) co_await loop::yield(loop);
  }
  co_return copied;
}

void add_workers(work_copy& copied, const offload::worker_pool_counts& pools, const shown_buckets& buckets) {
  copied.pools.push_back(copy_pool("processes", pools.processes.pool, buckets));
  copied.pools.push_back(copy_pool("workers", pools.workers.pool, buckets));
  for (std::size_t i = 0; i < offload::worker_end_count; ++i)
    copied.worker_restarts[i] = pools.processes.restarts[i].value() + pools.workers.restarts[i].value();
}

void add_http_clients(work_copy& copied, const network::http_client_counts& clients, instant now) {
  copied.http_busy = clients.busy;
  copied.http_kept = clients.kept;
  copied.http_opened = clients.opened.value();
  copied.stages.push_back(copy_stage("http", clients.waiting, now));
}

namespace {

void write_workload(exposition& page, const work_copy& work) {
  page.family(family_kind::counter, "millrace_producer_jobs_total", "Jobs that a producer put.");
  for (const auto& one : work.producers) page.sample({{"producer", one.name}}, one.jobs);
  page.family(family_kind::counter, "millrace_producer_errors_total",
              "Bodies that a producer could not read or put, and exceptions that ended it.");
  for (const auto& one : work.producers) page.sample({{"producer", one.name}}, one.errors);
  page.family(
      family_kind::gauge, "millrace_producer_lag_seconds",
      "How late the last body of a producer was put, or how late the one is that is held; 0 without a schedule.");
  for (const auto& one : work.producers) page.sample({{"producer", one.name}}, one.lag);

  page.family(family_kind::gauge, "millrace_consumer_active", "Slots of a consumer that have a job.");
  for (const auto& one : work.consumers) page.sample({{"consumer", one.name}}, std::uint64_t{one.active});
  page.family(family_kind::gauge, "millrace_consumer_concurrency", "Slots of a consumer.");
  for (const auto& one : work.consumers) page.sample({{"consumer", one.name}}, std::uint64_t{one.concurrency});
  page.family(family_kind::counter, "millrace_consumer_slot_restarts_total",
              "Slots of a consumer that ended with an exception and were started again.");
  for (const auto& one : work.consumers) page.sample({{"consumer", one.name}}, one.slot_restarts);
  page.family(family_kind::gauge, "millrace_consumer_stuck_slots",
              "Slots that were replaced because their handler does not end after its cancellation.");
  for (const auto& one : work.consumers) page.sample({{"consumer", one.name}}, one.stuck_slots);
  page.family(family_kind::counter, "millrace_consumer_moved_total",
              "Times that run_on: auto moved a consumer to threads because a step held the loop.");
  for (const auto& one : work.consumers) page.sample({{"consumer", one.name}}, one.moved);
}

void write_pools(exposition& page, const work_copy& work) {
  page.family(family_kind::gauge, "millrace_offload_workers", "Workers of a pool.");
  for (const auto& pool : work.pools) page.sample({{"pool", pool.name}}, pool.workers);
  page.family(family_kind::gauge, "millrace_offload_busy_workers", "Workers that compute.");
  for (const auto& pool : work.pools) page.sample({{"pool", pool.name}}, pool.busy);
  page.family(family_kind::gauge, "millrace_offload_pending", "Computations handed in and not begun.");
  for (const auto& pool : work.pools) page.sample({{"pool", pool.name}}, pool.pending);
  page.family(family_kind::counter, "millrace_offload_busy_seconds_total", "Time for which workers computed.");
  for (const auto& pool : work.pools)
    page.sample({{"pool", pool.name}}, static_cast<double>(pool.busy_nanoseconds) / 1e9);
  page.family(family_kind::histogram, "millrace_offload_wait_seconds", "From handed in to begun.");
  for (const auto& pool : work.pools) page.sample({{"pool", pool.name}}, pool.wait);
  page.family(family_kind::counter, "millrace_offload_worker_restarts_total",
              "Worker processes that ended, or could not be started, while their consumers went on.");
  for (std::size_t i = 0; i < offload::worker_end_count; ++i)
    page.sample({{"reason", offload::name_of(static_cast<offload::worker_end>(i))}}, work.worker_restarts[i]);
}

void write_http_clients(exposition& page, const work_copy& work) {
  page.family(family_kind::gauge, "millrace_http_client_connections",
              "Connections of http handlers: busy with a request, or kept for the next one.");
  page.sample({{"state", "busy"}}, work.http_busy);
  page.sample({{"state", "kept"}}, work.http_kept);
  page.family(family_kind::counter, "millrace_http_client_connections_opened_total",
              "Connections that http handlers opened, or tried to.");
  page.sample({}, work.http_opened);
}

}  // namespace

void write(exposition& page, const work_copy& work) {
  write_workload(page, work);
  write_pools(page, work);
  write_http_clients(page, work);
  page.family(family_kind::gauge, "millrace_backpressure_active", "Callers that wait at a stage.");
  for (const auto& stage : work.stages) page.sample({{"stage", stage.name}}, stage.active);
  page.family(family_kind::counter, "millrace_backpressure_seconds_total",
              "Time for which callers waited at a stage, added up.");
  for (const auto& stage : work.stages) page.sample({{"stage", stage.name}}, stage.total);
}

}  // namespace millrace::telemetry
