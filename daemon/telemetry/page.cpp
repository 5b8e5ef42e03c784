#include "telemetry/page.hpp"

#include <algorithm>
#include <exception>
#include <functional>
#include <utility>

#include <boost/system/system_error.hpp>
#include <millrace/loop/io_thread.hpp>
#include <millrace/loop/wait_point.hpp>

#include "base/log.hpp"
#include "loop/task_scope.hpp"
#include "telemetry/command_metrics.hpp"
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
  work_copy work;
  system_copy system;
  command_copy commands;
  store_copy stores;
};

std::string render(const page_copy& copied) {
  exposition page{copied.buckets};
  write(page, copied.queues);
  write(page, copied.work);
  write(page, copied.commands);
  write(page, copied.stores);
  write(page, copied.system, read_process_facts());
  return std::move(page).text();
}

shown_buckets buckets_of(const std::vector<duration>& bounds) {
  return bounds.empty() ? shown_buckets{} : shown_buckets{bounds};
}

}  // namespace

struct page::parts {
  explicit parts(page_parts&& shown)
      : daemon{std::move(shown)},
        buckets{buckets_of(daemon.histogram_buckets)},
        thread{daemon.loop, "metrics"},
        finished{daemon.loop, "metrics page"},
        tasks{daemon.loop} {}

  page_parts daemon;
  shown_buckets buckets;
  queue_metrics queues{buckets};
  std::vector<named_listener> listeners;
  std::vector<named_commands> commands;
  std::vector<named_store> stores;

  loop::io_thread thread;
  loop::wait_point finished;
  loop::task_scope tasks;  ///< at most one task, which makes pages while scrapes wait

  // Pages are numbered. A page answers the scrapes that came before its copy began.
  std::uint64_t wanted{0}, begun{0}, done{0};
  bool making{false};
  bool closed{false};
  result<page_text> last{error{errc::refused, "no page has been made yet"}};
  std::vector<std::weak_ptr<std::string const>> in_memory;  ///< oldest first

  static loop::awaitable<> make_pages(parts& self);
  loop::awaitable<result<page_text>> make_page();
  loop::awaitable<std::shared_ptr<page_copy>> copy();
  void finish_page(result<page_text> text);
};

loop::awaitable<result<page_text>> page::scrape() {
  auto& p = *parts_;
  if (p.closed) co_return error{errc::refused, "metrics are no longer served"};
  const auto number = p.begun + 1;
  p.wanted = number;
  if (!p.making) {
    p.making = true;
    p.tasks.spawn("metrics", parts::make_pages(p));
  }
  while (p.done < number && !p.closed) co_await p.finished.wait();
  if (p.done < number) co_return error{errc::refused, "metrics are no longer served"};
  co_return p.last;
}

loop::awaitable<> page::parts::make_pages(parts& self) {
  while (self.begun < self.wanted) {
    ++self.begun;
    result<page_text> made{error{errc::cancelled, "the page of metrics was not finished"}};
    try {
      made = co_await self.make_page();
    } catch (const boost::system::system_error&) {
      self.begun = self.wanted;  // cancelled: this task makes no more pages, so no scrape may wait for one
    } catch (const std::exception& failure) {
      made = error{errc::invalid, failure.what()};
    }
    self.finish_page(std::move(made));
  }
  self.making = false;
}

loop::awaitable<result<page_text>> page::parts::make_page() {
  std::erase_if(in_memory, [](const auto& text) { return text.expired(); });
  if (in_memory.size() >= pages_alive_max)
    if (auto newest = in_memory.back().lock()) co_return newest;

  auto copied = co_await copy();
  std::function<result<std::string>()> call = [copied] { return render(*copied); };
  copied.reset();
  auto text = co_await thread.run(std::move(call));
  if (!text) {
    log::error("metrics_failed", "The page of metrics could not be made.", {{"error", text.error().text}});
    co_return text.error();
  }
  auto shared = std::make_shared<std::string const>(std::move(*text));
  in_memory.push_back(shared);
  co_return shared;
}

loop::awaitable<std::shared_ptr<page_copy>> page::parts::copy() {
  auto copied = std::make_shared<page_copy>(page_copy{buckets, {}, {}, {}, {}, {}});
  copied->queues = co_await queues.copy(daemon.loop, daemon.broker.engine());
  copied->work = co_await copy_work(daemon.loop, daemon.work, daemon.threads, daemon.broker, buckets);
  copied->system = copy_system(daemon.loop, daemon.stalls, listeners, buckets);
  copied->commands = copy_commands(commands, buckets);
  for (const auto& protocol : commands) {
    const auto& held = protocol.counts->unread;
    copied->work.stages.push_back({"client", held.active(), held.total(daemon.loop.now())});
  }
  copied->stores = copy_stores(stores, buckets);
  copied->system.version = daemon.version;
  copied->system.draining = daemon.draining && daemon.draining();
  co_return copied;
}

void page::parts::finish_page(result<page_text> text) {
  done = begun;
  last = std::move(text);
  finished.wake_all();
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

loop::awaitable<> page::close() {
  auto& p = *parts_;
  if (std::exchange(p.closed, true)) co_return;
  p.finished.wake_all();
  p.tasks.cancel();
  co_await p.tasks.join();
  p.thread.close();
}

}  // namespace millrace::telemetry
