#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "broker/broker.hpp"
#include "network/http_client_counts.hpp"
#include "offload/thread_pool.hpp"
#include "offload/worker_counts.hpp"
#include "telemetry/exposition.hpp"
#include "workload/workload.hpp"

namespace millrace::telemetry {

/// A copy of the counts of producers, consumers, pools of workers, HTTP clients and backpressure. Made on the loop.
struct work_copy {
  struct producer {
    std::string name;
    std::uint64_t jobs, errors;
    duration lag;
  };
  struct consumer {
    std::string name;
    std::uint32_t active, concurrency;
    std::uint64_t slot_restarts;
    std::uint64_t stuck_slots;
    std::uint64_t moved;
  };
  struct pool {
    std::string_view name;
    std::uint64_t workers, busy, pending, busy_nanoseconds;
    folded_histogram wait;
  };
  struct stage {
    std::string_view name;
    std::uint64_t active;
    duration total;
  };

  std::vector<producer> producers;
  std::vector<consumer> consumers;
  std::vector<pool> pools;
  std::vector<stage> stages;
  std::array<std::uint64_t, offload::worker_end_count> worker_restarts{};
  std::uint64_t http_busy{0}, http_kept{0}, http_opened{0};
};

/// Producers or consumers that are copied before other tasks may run.
inline constexpr std::size_t work_slice = 1'000;

/// Requires: all references outlive the coroutine.
loop::awaitable<work_copy> copy_work(loop::event_loop& loop, const workload::workload& work,
                                     const offload::thread_pool& threads, const broker::broker& broker,
                                     const shown_buckets& buckets);

/// Adds the counts of worker processes.
void add_workers(work_copy& copied, const offload::worker_pool_counts& pools, const shown_buckets& buckets);

/// Adds the counts of HTTP clients.
void add_http_clients(work_copy& copied, const network::http_client_counts& clients, instant now);

/// Any thread.
void write(exposition& page, const work_copy& work);

}  // namespace millrace::telemetry
