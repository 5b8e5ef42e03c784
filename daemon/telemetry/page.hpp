#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "beanstalk/counts.hpp"
#include "broker/broker.hpp"
#include "loop/stall_watch.hpp"
#include "network/listener.hpp"
#include "offload/thread_pool.hpp"
#include "store/counts.hpp"
#include "telemetry/system_metrics.hpp"
#include "workload/workload.hpp"

namespace millrace::telemetry {

/// What is looked at. All of it outlives the page.
struct page_parts {
  loop::event_loop& loop;
  const broker::broker& broker;
  const workload::workload& work;
  const offload::thread_pool& threads;
  const loop::stall_watch& stalls;
  std::string version;
  std::vector<duration> histogram_buckets;  ///< ascending; empty: the usual
};

/// The page of metrics. Counters are copied on the loop, in slices; the text is made on a thread of the page's own, so
/// that a scrape never stands behind a busy pool and never holds the loop.
///
/// One copy is under way at a time: scrapes that come meanwhile share the next one. At most `pages_alive_max` texts are
/// in memory: while that many are still being sent, further scrapes get the youngest of them. Owned by the daemon; loop
/// thread only. `close` must have returned before it is destroyed.
class page {
 public:
  static constexpr std::size_t pages_alive_max = 8;

  explicit page(page_parts parts);
  ~page();
  page(const page&) = delete;
  page& operator=(const page&) = delete;

  /// Shows a door under this protocol's name from now on; the counts outlive the page.
  void add_door(std::string protocol, const network::listener_counts& counts);
  /// The same for the commands of its clients.
  void add_commands(std::string protocol, const beanstalk::session_counts& counts);
  /// Shows a store; `counts` is asked on the loop and good for as long as the page.
  void add_store(std::string name, std::function<const store::sqlite_store_counts&()> counts);

  /// The text of a copy that began after this call. `refused` once closed.
  loop::awaitable<result<std::shared_ptr<std::string const>>> scrape();

  /// Refuses further scrapes, ends those that wait, and lets the loop end.
  loop::awaitable<> close();

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::telemetry
