#include "telemetry/page.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <exception>
#include <functional>
#include <utility>

#include <boost/system/system_error.hpp>
#include <millrace/loop/io_thread.hpp>
#include <millrace/loop/wait_point.hpp>

#include "base/log.hpp"
#include "loop/task_scope.hpp"
#include "telemetry/command_metrics.hpp"
#include "telemetry/exposition.hpp"
#include "telemetry/group_metrics.hpp"
#include "telemetry/gzip.hpp"
#include "telemetry/process.hpp"
#include "telemetry/queue_metrics.hpp"
#include "telemetry/store_metrics.hpp"
#include "telemetry/work_metrics.hpp"

namespace millrace::telemetry {

namespace {

using page_text = std::shared_ptr<std::string const>;

/// A copy of everything that a page shows. The loop makes it, and the thread of the page reads it.
struct page_copy {
  shown_buckets buckets;
  queue_copy queues;
  group_copy groups;
  work_copy work;
  system_copy system;
  command_copy commands;
  store_copy stores;
};

/// Two formats, each plain and compressed.
constexpr std::size_t variant_count = 4;
using wanted_variants = std::bitset<variant_count>;
/// The texts of one page, by variant. A variant that was not made is empty.
using rendered_page = std::array<std::string, variant_count>;

constexpr std::size_t index_of(page_format format, page_encoding encoding) {
  return static_cast<std::size_t>(format) * 2 + static_cast<std::size_t>(encoding);
}

std::string render(const page_copy& copied, page_format format, const process_facts& process) {
  exposition page{copied.buckets, format};
  write(page, copied.queues);
  write(page, copied.groups);
  write(page, copied.work);
  write(page, copied.commands);
  write(page, copied.stores);
  write(page, copied.system, process);
  return std::move(page).text();
}

rendered_page render(const page_copy& copied, wanted_variants wanted) {
  rendered_page texts;
  const auto process = read_process_facts();
  for (const auto format : {page_format::prometheus, page_format::open_metrics}) {
    const auto plain = index_of(format, page_encoding::identity);
    const auto packed = index_of(format, page_encoding::gzip);
    if (!wanted[plain] && !wanted[packed]) continue;
    texts[plain] = render(copied, format, process);
    if (wanted[packed]) texts[packed] = gzip(texts[plain]);
  }
  return texts;
}

shown_buckets buckets_of(const std::vector<duration>& bounds, std::span<const duration> otherwise) {
  return shown_buckets{bounds.empty() ? otherwise : bounds};
}

}  // namespace

struct page::parts {
  explicit parts(page_parts&& shown)
      : daemon{std::move(shown)},
        buckets{buckets_of(daemon.histogram_buckets, histogram_bounds::exported())},
        queue_buckets{buckets_of(daemon.histogram_buckets, queue_bounds())},
        thread{daemon.loop, "metrics"},
        finished{daemon.loop, "metrics page"},
        tasks{daemon.loop} {}

  page_parts daemon;
  shown_buckets buckets, queue_buckets;
  queue_metrics queues{queue_buckets};
  std::vector<named_listener> listeners;
  std::vector<named_commands> commands;
  std::vector<named_store> stores;
  const reload_facts* reloads{nullptr};

  loop::io_thread thread;
  loop::wait_point finished;
  loop::task_scope tasks;  ///< at most one task, which makes pages while scrapes wait

  // Pages are numbered. A page answers the scrapes that came before its copy began.
  std::uint64_t wanted{0}, begun{0}, done{0};
  bool making{false};
  bool closed{false};

  /// One form in which the page is served.
  struct variant {
    result<page_text> last{error{errc::refused, "no page has been made yet"}};
    std::vector<std::weak_ptr<std::string const>> in_memory;  ///< oldest first
  };
  std::array<variant, variant_count> variants;
  wanted_variants wanted_next;  ///< by the scrapes that the next page answers

  static loop::awaitable<> make_pages(parts& self);
  loop::awaitable<> make_page(wanted_variants asked);
  /// Serves the newest text again where `pages_alive_max` of them are being sent. Returns the variants left to make.
  wanted_variants reuse_texts(wanted_variants asked);
  loop::awaitable<std::shared_ptr<page_copy>> copy();
  void fail(wanted_variants asked, const error& failure);
};

loop::awaitable<result<page_text>> page::scrape(page_variant variant) {
  auto& p = *parts_;
  if (p.closed) co_return error{errc::refused, "metrics are no longer served"};
  const auto number = p.begun + 1;
  p.wanted = number;
  const auto index = index_of(variant.format, variant.encoding);
  p.wanted_next.set(index);
  if (!p.making) {
    p.making = true;
    p.tasks.spawn("metrics", parts::make_pages(p));
  }
  while (p.done < number && !p.closed) co_await p.finished.wait();
  if (p.done < number) co_return error{errc::refused, "metrics are no longer served"};
  co_return p.variants[index].last;
}

loop::awaitable<> page::parts::make_pages(parts& self) {
  while (self.begun < self.wanted) {
    ++self.begun;
    const auto asked = std::exchange(self.wanted_next, {});
    try {
      auto making = self.make_page(asked);
      co_await std::move(making);
    } catch (const boost::system::system_error&) {
      self.begun = self.wanted;  // cancelled: this task makes no more pages, so no scrape may wait for one
      self.fail(wanted_variants{}.set(), error{errc::cancelled, "the page of metrics was not finished"});
    } catch (const std::exception& failure) {
      self.fail(asked, error{errc::invalid, failure.what()});
    }
    self.done = self.begun;
    self.finished.wake_all();
  }
  self.making = false;
}

loop::awaitable<> page::parts::make_page(wanted_variants asked) {
  const auto wanted_texts = reuse_texts(asked);
  if (wanted_texts.none()) co_return;

  auto copied = co_await copy();
  auto texts = std::make_shared<rendered_page>();
  std::function<result<std::string>()> call = [copied, texts, wanted_texts] {
    *texts = render(*copied, wanted_texts);
    return std::string{};
  };
  copied.reset();
  const auto made = co_await thread.run(std::move(call));
  if (!made) {
    log::error("metrics_failed", "The page of metrics could not be made.", {{"error", made.error().text}});
    fail(wanted_texts, made.error());
    co_return;
  }
  for (std::size_t i = 0; i < variant_count; ++i) {
    if (!wanted_texts[i]) continue;
    auto shared = std::make_shared<std::string const>(std::move((*texts)[i]));
    variants[i].in_memory.push_back(shared);
    variants[i].last = std::move(shared);
  }
}

wanted_variants page::parts::reuse_texts(wanted_variants asked) {
  for (std::size_t i = 0; i < variant_count; ++i) {
    if (!asked[i]) continue;
    auto& in_memory = variants[i].in_memory;
    std::erase_if(in_memory, [](const auto& text) { return text.expired(); });
    if (in_memory.size() < pages_alive_max) continue;
    auto newest = in_memory.back().lock();
    if (!newest) continue;
    variants[i].last = std::move(newest);
    asked.reset(i);
  }
  return asked;
}

void page::parts::fail(wanted_variants asked, const error& failure) {
  for (std::size_t i = 0; i < variant_count; ++i)
    if (asked[i]) variants[i].last = failure;
}

loop::awaitable<std::shared_ptr<page_copy>> page::parts::copy() {
  auto copied = std::make_shared<page_copy>(page_copy{buckets, {}, {}, {}, {}, {}, {}});
  copied->queues = co_await queues.copy(daemon.loop, daemon.broker.engine());
  copied->groups = copy_groups(daemon.broker.engine());
  copied->work = co_await copy_work(daemon.loop, daemon.work, daemon.threads, daemon.broker, buckets);
  if (daemon.workers != nullptr) add_workers(copied->work, *daemon.workers, buckets);
  if (daemon.http_clients != nullptr) add_http_clients(copied->work, *daemon.http_clients, daemon.loop.now());
  copied->system = copy_system(daemon.loop, daemon.stalls, listeners, buckets);
  copied->commands = copy_commands(commands, buckets);
  for (const auto& protocol : commands) {
    const auto& held = protocol.counts->unread;
    copied->work.stages.push_back({"client", held.active(), held.total(daemon.loop.now())});
  }
  copied->stores = copy_stores(stores, buckets);
  if (reloads != nullptr) copied->system.reload = *reloads;
  copied->system.version = daemon.version;
  copied->system.draining = daemon.draining && daemon.draining();
  co_return copied;
}

page::page(page_parts shown) : parts_{std::make_unique<parts>(std::move(shown))} {}

page::~page() = default;

void page::add_listener(std::string protocol, const network::listener_counts& counts) {
  parts_->listeners.push_back({std::move(protocol), &counts});
}

void page::add_commands(std::string protocol, const beanstalk::session_counts& counts) {
  parts_->commands.push_back({std::move(protocol), &counts});
}

void page::add_store(std::string name, std::function<const store::sqlite_store_counts&()> counts) {
  parts_->stores.push_back({std::move(name), std::move(counts)});
}

void page::add_reloads(const reload_facts& facts) { parts_->reloads = &facts; }

loop::awaitable<> page::close() {
  auto& p = *parts_;
  if (std::exchange(p.closed, true)) co_return;
  p.finished.wake_all();
  p.tasks.cancel();
  co_await p.tasks.join();
  p.thread.close();
}

}  // namespace millrace::telemetry
