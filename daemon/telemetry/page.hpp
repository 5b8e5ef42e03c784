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
#include "network/http_client_counts.hpp"
#include "network/listener.hpp"
#include "offload/thread_pool.hpp"
#include "offload/worker_counts.hpp"
#include "store/counts.hpp"
#include "telemetry/exposition.hpp"
#include "telemetry/system_metrics.hpp"
#include "workload/workload.hpp"

namespace millrace::telemetry {

enum class page_encoding { identity, gzip };

/// What a scrape asks for.
struct page_variant {
  page_format format{page_format::prometheus};
  page_encoding encoding{page_encoding::identity};
};

/// The parts of the daemon that the page shows. All references outlive the page.
struct page_parts {
  loop::event_loop& loop;
  const broker::broker& broker;
  const workload::workload& work;
  const offload::thread_pool& threads;
  const loop::stall_watch& stalls;
  std::string version;
  std::vector<duration> histogram_buckets;                   ///< ascending; empty: the default ones
  std::function<bool()> draining;                            ///< whether new work is refused; called on the loop
  const offload::worker_pool_counts* workers{nullptr};       ///< of worker processes; null: none are shown
  const network::http_client_counts* http_clients{nullptr};  ///< null: none are shown
};

/// The page of metrics. Counters are copied on the loop, in slices. The text is written and compressed on a thread of
/// the page, so a scrape does not wait for a busy thread pool and does not block the loop. One copy is made at a time,
/// and scrapes that come meanwhile share the next one: each variant that they ask for is written once.
///
/// Owned by the daemon. Loop thread only.
///
/// `close` must be awaited before destruction.
///
/// At most `pages_alive_max` texts of each variant are in memory. While so many are being sent, further scrapes get the
/// newest of them.
class page {
 public:
  static constexpr std::size_t pages_alive_max = 8;

  explicit page(page_parts parts);
  ~page();
  page(const page&) = delete;
  page& operator=(const page&) = delete;

  /// Shows a listener under the name of its protocol. Requires: the counts outlive the page.
  void add_listener(std::string protocol, const network::listener_counts& counts);
  /// Shows the commands of the clients of a protocol. Requires: the counts outlive the page.
  void add_commands(std::string protocol, const beanstalk::session_counts& counts);
  /// Shows a store. `counts` is called on the loop. Requires: it is valid as long as the page.
  void add_store(std::string name, std::function<const store::sqlite_store_counts&()> counts);

  /// Shows the last reload. Requires: the facts outlive the page.
  void add_reloads(const reload_facts& facts);

  /// Returns the text of a copy that begins after this call, or the newest text of the variant while
  /// `pages_alive_max` of them are being sent. `refused` after `close`.
  loop::awaitable<result<std::shared_ptr<std::string const>>> scrape(page_variant variant = {});

  /// Refuses further scrapes, and ends those that wait.
  loop::awaitable<> close();

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::telemetry
