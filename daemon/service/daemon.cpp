#include "service/daemon.hpp"

#include <unistd.h>

#include <optional>
#include <utility>
#include <vector>

#include <millrace/base/quantity.hpp>
#include <millrace/handlers/handler.hpp>
#include <millrace/loop/blocking_lane.hpp>
#include <millrace/sources/source.hpp>

#include "base/log.hpp"
#include "beanstalk/server.hpp"
#include "engine/options.hpp"
#include "http/health.hpp"
#include "http/routes.hpp"
#include "http/scrape.hpp"
#include "http/server.hpp"
#include "loop/stall_watch.hpp"
#include "network/options.hpp"
#include "offload/thread_pool.hpp"
#include "service/recovery_pump.hpp"
#include "store/memory_store.hpp"
#include "store/sqlite_store.hpp"
#include "telemetry/page.hpp"

namespace millrace::service {
namespace {

engine::engine_options engine_limits(const settings::daemon_options& what) {
  engine::engine_options limits;
  limits.queues_max = what.queues_max;
  limits.metrics_linger = what.metrics_linger;
  limits.body_memory_max = what.store.memory_limit;
  limits.body_prefetch = what.store.body_prefetch;
  return limits;
}

/// As at any other time, an eighth is left for what is read ahead.
std::uint64_t room_for_bodies(const store::store_options& what) {
  const auto most = what.memory_limit.value_or(UINT64_MAX);
  return most - most / 8;
}

std::vector<duration> buckets(const settings::daemon_options& what) {
  std::vector<duration> upper;
  for (const auto& text : what.histogram_buckets) {
    if (const auto bound = parse_duration(text)) upper.push_back(*bound);  // checked when the file was read
  }
  return upper;
}

}  // namespace

/// In the order in which they stand on each other; destroyed the other way round.
struct daemon::parts {
  parts(const settings::settings& set, const workload::workload_options& how, result<>& opened)
      : what{set},
        stalls{loop, set.daemon.stall_threshold},
        standard_output{loop, "standard output"},
        disk{open_disk(opened)},
        broker{loop, disk ? static_cast<store::store&>(*disk) : memory, engine_limits(set.daemon)},
        threads{loop, set.daemon.offload},
        work{loop, broker, threads, how},
        page{{loop, broker, work, threads, stalls, MILLRACE_VERSION, buckets(set.daemon)}},
        http{loop, routes},
        beanstalk{loop, broker, {.job_bytes_max = set.daemon.max_job_size}} {}

  std::unique_ptr<store::sqlite_store> open_disk(result<>& opened);
  result<> declare_queues();
  void begin_recovery();
  result<> open_http();
  result<> open_beanstalk();

  const settings::settings& what;
  loop::event_loop loop;
  loop::stall_watch stalls;
  loop::blocking_lane standard_output;
  store::memory_store memory;
  std::unique_ptr<store::sqlite_store> disk;  ///< none: queues live in memory
  broker::broker broker;
  offload::thread_pool threads;
  workload::workload work;
  telemetry::page page;
  http::control control;
  http::routes routes;
  http::server http;
  beanstalk::server beanstalk;
  std::optional<recovery_pump> recovering;
  bool http_open{false};
  bool beanstalk_open{false};
};

daemon::daemon(const settings::settings& what, const workload::workload_options& how)
    : parts_{std::make_unique<parts>(what, how, store_opened_)} {}

daemon::~daemon() = default;

result<> daemon::prepare() {
  auto& all = *parts_;
  if (!store_opened_) return store_opened_;
  if (auto declared = all.declare_queues(); !declared) return declared;
  // The door before the work: a second daemon must not begin to print what the first is printing.
  if (auto opened = all.open_http(); !opened) return opened;
  all.begin_recovery();
  return {};
}

result<bool> daemon::recover_slice() {
  auto& all = *parts_;
  if (!all.recovering) return true;
  auto done = all.recovering->run_slice();
  if (!done || *done) all.recovering.reset();
  return done;
}

result<> daemon::open() {
  auto& all = *parts_;
  if (auto opened = all.open_beanstalk(); !opened) return opened;
  const sources::surroundings inputs{all.loop, STDIN_FILENO};
  const handlers::surroundings outputs{all.loop, all.standard_output, STDOUT_FILENO};
  return all.work.start(all.what.producers, all.what.consumers, inputs, outputs);
}

loop::awaitable<> daemon::close() {
  auto& all = *parts_;
  if (all.beanstalk_open) co_await all.beanstalk.close();
  if (all.http_open) co_await all.http.close();
  co_await all.page.close();
  all.threads.close();
  all.standard_output.close();
  // Before the disk: a job that comes due while that ends would be a change that comes too late. It is due at the next start as well.
  all.broker.close();
  if (all.disk) co_await all.disk->close();
}

result<> daemon::parts::declare_queues() {
  broker.set_queue_defaults(what.queue_defaults);
  // Clients expect it first among the tubes.
  if (what.daemon.beanstalk_enabled) broker.find_or_declare("default").value();
  for (const auto& [name, options] : what.queues) {
    if (const auto declared = broker.declare(name, options); !declared) {
      return error{declared.error().code, "queue " + name + ": " + declared.error().text};
    }
  }
  return {};
}

std::unique_ptr<store::sqlite_store> daemon::parts::open_disk(result<>& opened) {
  if (!what.daemon.data_dir) return nullptr;
  auto made =
      store::sqlite_store::open(loop, what.daemon.store, [this](queue_id id) { return broker.looking().name_of(id); });
  if (made) return std::move(*made);
  opened = made.error();
  return nullptr;
}

void daemon::parts::begin_recovery() {
  if (!disk) return;
  page.add_store("disk", [this]() -> const store::sqlite_store_counts& { return disk->counts(); });
  control.become_recovering();
  recovering.emplace(loop, broker, *disk, *what.daemon.data_dir, room_for_bodies(what.daemon.store));
}

result<> daemon::parts::open_http() {
  if (!what.daemon.http_enabled) return {};
  control.watch([this]() -> std::string {
    const auto why = broker.store_failure();
    if (!why.empty()) return "store: " + why;
    if (!broker.store_lags()) return {};
    return "store: changes have waited longer than relaxed_lag_max (" +
           write_duration(what.daemon.store.relaxed_lag_max) + ") to be written";
  });
  http::add_health(routes, control);
  http::add_scrape(routes, page);
  const auto where = network::parse_address(what.daemon.http);
  if (!where) return error{where.error().code, "http: " + where.error().text};
  if (auto opened = http.open({.where = *where}); !opened)
    return error{opened.error().code, "http: " + opened.error().text};
  http_open = true;
  page.add_door("http", http.counts());
  return {};
}

result<> daemon::parts::open_beanstalk() {
  if (!what.daemon.beanstalk_enabled) return {};
  const auto where = network::parse_address(what.daemon.beanstalk);
  if (!where) return error{where.error().code, "beanstalk: " + where.error().text};
  const network::door_options door{.where = *where, .connections_max = what.daemon.beanstalk_connections_max};
  if (auto opened = beanstalk.open(door); !opened)
    return error{opened.error().code, "beanstalk: " + opened.error().text};
  beanstalk_open = true;
  page.add_door("beanstalk", beanstalk.connections());
  page.add_commands("beanstalk", beanstalk.counts());
  return {};
}

void daemon::refuse_puts() { parts_->beanstalk.refuse_puts(); }

void daemon::drain_doors() {
  if (parts_->beanstalk_open) parts_->beanstalk.drain();
}

std::string daemon::beanstalk_address() const {
  return parts_->beanstalk_open ? network::write_address(parts_->beanstalk.local_address()) : std::string{};
}

loop::event_loop& daemon::loop() noexcept { return parts_->loop; }
const broker::broker& daemon::broker() const noexcept { return parts_->broker; }
workload::workload& daemon::work() noexcept { return parts_->work; }
http::control& daemon::control() noexcept { return parts_->control; }

std::string daemon::http_address() const {
  return parts_->http_open ? network::write_address(parts_->http.local_address()) : std::string{};
}

std::string endless_producer(const settings::settings& what) {
  loop::event_loop unused;  // sources are made on one; this one never runs
  for (const auto& producer : what.producers) {
    if (producer.common.limit || producer.common.run_for) continue;
    const auto made = producer.kind->make(producer.kind_options.get(), {unused, STDIN_FILENO});
    if (made && (*made)->endless()) return producer.name;
  }
  return {};
}

}  // namespace millrace::service
