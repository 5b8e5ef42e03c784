#include "service/daemon.hpp"

#include <signal.h>
#include <unistd.h>

#include <exception>
#include <optional>
#include <utility>

#include <millrace/base/quantity.hpp>
#include <millrace/handlers/handler.hpp>
#include <millrace/loop/io_thread.hpp>
#include <millrace/sources/source.hpp>

#include "base/system_message.hpp"
#include "beanstalk/server.hpp"
#include "broker/recovery.hpp"
#include "control/api.hpp"
#include "handlers/computing_process.hpp"
#include "http/health.hpp"
#include "http/routes.hpp"
#include "http/scrape.hpp"
#include "http/server.hpp"
#include "loop/child_guard.hpp"
#include "loop/child_launcher.hpp"
#include "loop/stall_watch.hpp"
#include "loop/trace_recorder.hpp"
#include "network/options.hpp"
#include "offload/thread_pool.hpp"
#include "offload/worker_host.hpp"
#include "service/control_context.hpp"
#include "service/engine_limits.hpp"
#include "store/backup.hpp"
#include "store/memory_store.hpp"
#include "store/sqlite_store.hpp"
#include "telemetry/page.hpp"

namespace millrace::service {
namespace {

/// Awaits `closing` and stores its exception in `failure`: the other parts must be closed as well, or the loop would
/// not stop.
loop::awaitable<> catch_failure(loop::awaitable<> closing, std::exception_ptr& failure) {
  try {
    co_await std::move(closing);
  } catch (...) {
    failure = std::current_exception();
  }
}

/// Whether SIGTERM has arrived. `main` blocks it until the loop runs.
bool is_stop_pending() {
  sigset_t pending;
  return ::sigpending(&pending) == 0 && ::sigismember(&pending, SIGTERM) == 1;
}

/// Empty when it is not open.
template <class Listener>
std::string address_of(const Listener& listener, bool is_open) {
  return is_open ? network::write_address(listener.local_address()) : std::string{};
}

}  // namespace

/// The members are declared in the order of their dependencies, so that they are destroyed in reverse.
struct daemon::parts {
  /// Sets `opened` to an error when the store cannot be opened; then this object may only be destroyed.
  parts(settings::settings settings, const workload::workload_options& options, listening_sockets listening,
        const reload_options& reloading, result<>& opened)
      : present{std::make_shared<const settings::settings>(std::move(settings))},
        sockets{std::move(listening)},
        stalls{loop, present->daemon.stall_threshold},
        standard_output{loop, "standard output"},
        threads{loop, present->daemon.offload},
        disk{open_disk(opened)},
        backup{disk ? std::make_unique<store::backup>(loop, *present->daemon.data_dir) : nullptr},
        broker{loop, disk ? static_cast<store::store&>(*disk) : memory, engine_limits(present->daemon)},
        work{loop, broker, threads, options},
        reloads{
            {loop, broker, work, stalls, present, inputs(), outputs(), [this] { return beanstalk_open; }, reloading}},
        page{{loop, broker, work, threads, stalls, MILLRACE_VERSION, present->daemon.histogram_buckets,
              [this] { return readiness.draining(); }, &workers.counts(), &fetches}},
        http{loop, routes},
        beanstalk{loop, broker, {.job_bytes_max = present->daemon.max_job_size}},
        control_api{context_of_control()} {}

  sources::source_context inputs() { return {loop, STDIN_FILENO}; }
  handlers::handler_context outputs() { return {loop, standard_output, STDOUT_FILENO, &children, &workers, &fetches}; }

  std::unique_ptr<store::sqlite_store> open_disk(result<>& opened);
  result<> declare_queues();
  void begin_recovery();
  result<> open_http();
  result<> open_beanstalk();
  result<> open_control();
  control::context context_of_control();
  std::vector<control::listener_facts> listeners() const;

  std::shared_ptr<const settings::settings> present;  ///< never null; a reload replaces it
  listening_sockets sockets;                          ///< moved into the listeners when they open
  loop::event_loop loop;
  loop::stall_watch stalls;
  loop::io_thread standard_output;
  loop::child_launcher children{loop, loop::child_guard_command()};
  offload::thread_pool threads;
  offload::worker_host workers{loop, children, handlers::computing_process_settings(present->daemon.offload), &threads};
  network::http_client_counts fetches;
  store::memory_store memory;
  std::unique_ptr<store::sqlite_store> disk;  ///< null: queues are in memory only
  std::unique_ptr<store::backup> backup;      ///< null as `disk`
  broker::broker broker;
  loop::trace_recorder trace{loop, [this] { broker.trace_jobs(); }};
  workload::workload work;
  reloader reloads;
  telemetry::page page;
  http::readiness readiness;
  http::routes routes;
  http::server http;
  beanstalk::server beanstalk;
  control::api control_api;
  std::optional<broker::recovery> recovering;
  bool http_open{false};
  bool beanstalk_open{false};
};

result<std::unique_ptr<daemon>> daemon::make(settings::settings settings, workload::workload_options options,
                                             listening_sockets sockets, const reload_options& reloading) {
  options.metrics_linger = settings.daemon.metrics_linger;
  options.stall_threshold = settings.daemon.stall_threshold;
  return without_exceptions([&]() -> result<std::unique_ptr<daemon>> {
    result<> opened;
    auto all = std::make_unique<parts>(std::move(settings), options, std::move(sockets), reloading, opened);
    if (!opened) return opened.error();
    return std::unique_ptr<daemon>{new daemon{std::move(all)}};
  });
}

daemon::daemon(std::unique_ptr<parts> all) : parts_{std::move(all)} {}
daemon::~daemon() = default;

result<> daemon::prepare() {
  return without_exceptions([&all = *parts_]() -> result<> {
    if (auto declared = all.declare_queues(); !declared) return declared;
    // Listen before work begins: a second daemon must not print what the first one prints.
    if (auto opened = all.open_http(); !opened) return opened;
    if (auto opened = all.open_control(); !opened) return opened;
    all.begin_recovery();
    return {};
  });
}

result<bool> daemon::recover_slice() {
  return without_exceptions([&all = *parts_]() -> result<bool> {
    if (!all.recovering) return true;
    auto done = all.recovering->run_slice();
    if (!done || *done) all.recovering.reset();
    return done;
  });
}

result<> daemon::open() {
  return without_exceptions([&all = *parts_]() -> result<> {
    // Start the thread now, so that a failure to create it is an error of the start.
    if (all.disk) all.disk->start();
    if (auto opened = all.open_beanstalk(); !opened) return opened;
    const auto started = all.work.start(all.present->producers, all.present->consumers, all.inputs(), all.outputs());
    if (started) all.reloads.open();
    return started;
  });
}

loop::awaitable<> daemon::close() {
  auto& all = *parts_;
  std::exception_ptr failure;
  auto reloads_closing = all.reloads.close();
  co_await catch_failure(std::move(reloads_closing), failure);
  all.control_api.drain();
  if (all.backup) {
    auto closing = all.backup->close();
    co_await catch_failure(std::move(closing), failure);
  }
  auto control_closing = all.control_api.close();
  co_await catch_failure(std::move(control_closing), failure);
  if (all.beanstalk_open) {
    auto closing = all.beanstalk.close();
    co_await catch_failure(std::move(closing), failure);
  }
  if (all.http_open) {
    auto closing = all.http.close();
    co_await catch_failure(std::move(closing), failure);
  }
  auto workers_closing = all.workers.close();
  co_await catch_failure(std::move(workers_closing), failure);
  auto page_closing = all.page.close();
  co_await catch_failure(std::move(page_closing), failure);
  all.threads.close();
  all.standard_output.close();
  // Close the broker before the disk: the closing store could not write the change of a job that becomes due. The job
  // is due again at the next start.
  all.broker.close();
  if (all.disk) {
    auto closing = all.disk->close();
    co_await catch_failure(std::move(closing), failure);
  }
  auto trace_closing = all.trace.close();
  co_await catch_failure(std::move(trace_closing), failure);
  if (failure) std::rethrow_exception(failure);
}

result<> daemon::parts::declare_queues() {
  broker.set_queue_defaults(present->queue_defaults);
  // Clients expect `default` to be the first tube.
  if (sockets.beanstalk) broker.find_or_declare("default").value();
  for (const auto& [name, options] : present->queues) {
    if (const auto declared = broker.declare(name, options); !declared) {
      return error{declared.error().code, "queue " + name + ": " + declared.error().text};
    }
  }
  return {};
}

std::unique_ptr<store::sqlite_store> daemon::parts::open_disk(result<>& opened) {
  if (!present->daemon.data_dir) return nullptr;
  store::store_context context;
  context.is_interrupted = is_stop_pending;
  auto made = store::sqlite_store::open(
      loop, present->daemon.store, [this](queue_id id) { return broker.engine().name_of(id); }, std::move(context));
  if (made) return std::move(*made);
  opened = made.error();
  return nullptr;
}

void daemon::parts::begin_recovery() {
  if (!disk) return;
  page.add_store("disk", [this]() -> const store::sqlite_store_counts& { return disk->counts(); });
  readiness.become_recovering();
  recovering.emplace(loop, broker, *disk, *present->daemon.data_dir);
}

result<> daemon::parts::open_http() {
  if (!sockets.http) return {};
  readiness.watch([this]() -> std::string {
    const auto failure = broker.store_failure();
    if (!failure.empty()) return "store: " + failure;
    if (!broker.store_lags()) return {};
    return "store: changes have waited longer than relaxed_lag_max (" +
           write_duration(present->daemon.store.relaxed_lag_max) + ") to be written";
  });
  http::add_health(routes, readiness);
  http::add_scrape(routes, page);
  if (auto opened = http.open(std::move(*sockets.http), network::listener_options{}.connections_max); !opened)
    return error{opened.error().code, "http: " + opened.error().text};
  http_open = true;
  page.add_listener("http", http.counts());
  page.add_reloads(reloads.facts());
  return {};
}

result<> daemon::parts::open_beanstalk() {
  if (!sockets.beanstalk) return {};
  const auto connections_max = present->daemon.beanstalk_connections_max;
  if (auto opened = beanstalk.open(std::move(*sockets.beanstalk), connections_max); !opened)
    return error{opened.error().code, "beanstalk: " + opened.error().text};
  beanstalk_open = true;
  page.add_listener("beanstalk", beanstalk.connections());
  page.add_commands("beanstalk", beanstalk.counts());
  return {};
}

control::context daemon::parts::context_of_control() {
  return service::context_of_control({.loop = loop,
                                      .broker = broker,
                                      .readiness = readiness,
                                      .work = work,
                                      .clients = beanstalk,
                                      .reloads = reloads,
                                      .trace = trace,
                                      .backup = backup.get(),
                                      .settings = *present,
                                      .listeners = [this] { return listeners(); }});
}

std::vector<control::listener_facts> daemon::parts::listeners() const {
  std::vector<control::listener_facts> all;
  const auto add = [&all](const char* name, const network::address& address, const network::listener_counts& counts) {
    all.push_back({name, network::write_address(address), counts.connections});
  };
  if (http_open) add("http", http.local_address(), http.counts());
  if (beanstalk_open) add("beanstalk", beanstalk.local_address(), beanstalk.connections());
  if (control_api.is_open()) add("control", control_api.local_address(), control_api.connections());
  return all;
}

result<> daemon::parts::open_control() {
  if (!sockets.control) return {};
  if (auto opened = control_api.open(std::move(*sockets.control)); !opened)
    return error{opened.error().code, "control: " + opened.error().text};
  page.add_listener("control", control_api.connections());
  readiness.when_ready([this] { control_api.resume(); });
  return {};
}

void daemon::refuse_puts() { parts_->beanstalk.refuse_puts(); }
void daemon::begin_drain() {
  parts_->control_api.drain();
  parts_->work.stop_taking();
  if (parts_->beanstalk_open) parts_->beanstalk.drain();
}

loop::awaitable<bool> daemon::drain_clients(duration timeout) {
  auto& all = *parts_;
  if (!all.beanstalk_open) co_return false;
  const bool finished = co_await all.beanstalk.drained(timeout);
  co_await all.beanstalk.close();
  co_return !finished;
}

std::uint64_t daemon::finished_by_clients() const noexcept { return parts_->beanstalk.counts().finished_in_drain; }

std::optional<std::uint64_t> daemon::store_heartbeat() const {
  return parts_->disk ? parts_->disk->heartbeat() : std::nullopt;
}

std::string daemon::beanstalk_address() const { return address_of(parts_->beanstalk, parts_->beanstalk_open); }
std::string daemon::http_address() const { return address_of(parts_->http, parts_->http_open); }
std::string daemon::control_address() const { return address_of(parts_->control_api, parts_->control_api.is_open()); }
loop::event_loop& daemon::loop() noexcept { return parts_->loop; }
const broker::broker& daemon::broker() const noexcept { return parts_->broker; }
workload::workload& daemon::work() noexcept { return parts_->work; }
offload::thread_pool& daemon::threads() noexcept { return parts_->threads; }
http::readiness& daemon::readiness() noexcept { return parts_->readiness; }
loop::trace_recorder& daemon::trace() noexcept { return parts_->trace; }
reloader& daemon::reloads() noexcept { return parts_->reloads; }
const settings::settings& daemon::settings() const noexcept { return *parts_->present; }

}  // namespace millrace::service
