#include "service/reload.hpp"

#include <algorithm>
#include <chrono>
#include <unordered_set>
#include <utility>

#include <millrace/loop/deadline.hpp>
#include <millrace/loop/io_thread.hpp>

#include "base/log.hpp"
#include "base/system_message.hpp"
#include "loop/thrown.hpp"
#include "service/endless_producer.hpp"
#include "service/relative_paths.hpp"

namespace millrace::service {

namespace {

/// Queues that are removed, or get other defaults, before other tasks may run.
constexpr std::size_t slice_queues = 1'000;

/// Changes that are named in the log record of a reload; the answer has all.
constexpr std::size_t logged_changes_max = 20;

/// The queue that each client uses at first. It is always declared, but has no options of its own unless the file
/// names it.
constexpr std::string_view first_queue = "default";

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

reload_answer refused(std::string reason) {
  reload_answer answer;
  answer.reason = std::move(reason);
  return answer;
}

template <class Entry>
std::vector<Entry> entries_named(const std::vector<Entry>& all, const settings::changed_names& names) {
  std::unordered_set<std::string_view> wanted{names.added.begin(), names.added.end()};
  wanted.insert(names.changed.begin(), names.changed.end());
  std::vector<Entry> found;
  for (const auto& entry : all) {
    if (wanted.contains(entry.name)) found.push_back(entry);
  }
  return found;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (std::size_t n = 0; n < std::min(lines.size(), logged_changes_max); ++n) text += (n == 0 ? "" : ", ") + lines[n];
  if (lines.size() > logged_changes_max) text += " and " + std::to_string(lines.size() - logged_changes_max) + " more";
  return text;
}

bool is_error(const settings::diagnostic& one) { return one.level == settings::diagnostic::severity::error; }

/// The first error, and how many more there are.
std::string reason_of(const reload_answer& answer) {
  if (!answer.reason.empty()) return answer.reason;
  const auto errors = std::ranges::count_if(answer.diagnostics, is_error);
  const auto first = std::ranges::find_if(answer.diagnostics, is_error);
  if (first == answer.diagnostics.end()) return {};
  return first->text() + (errors > 1 ? " and " + std::to_string(errors - 1) + " more" : "");
}

}  // namespace

/// What the thread read.
struct reloader::file_content {
  settings::loaded read;
  settings::difference changes;
};

reloader::reloader(context parts)
    : context_{std::move(parts)},
      facts_{true, seconds_since_1970()},
      finished_{context_.loop, "a reload"},
      tasks_{context_.loop} {}

void reloader::open() {
  opened_ = true;
  if (wanted_ > begun_) request();
}

void reloader::request() {
  wanted_ = begun_ + 1;
  if (!opened_ || closed_ || running_) return;
  running_ = true;
  tasks_.spawn("reload", run_requests());
}

loop::awaitable<reload_answer> reloader::reload() {
  request();
  const auto number = wanted_;
  while (done_ < number && !closed_) co_await finished_.wait();
  if (done_ < number) co_return refused("the daemon ends");
  co_return *last_;
}

loop::awaitable<> reloader::close() {
  if (std::exchange(closed_, true)) co_return;
  finished_.wake_all();
  tasks_.cancel();
  co_await tasks_.join();
}

loop::awaitable<> reloader::run_requests() {
  while (begun_ < wanted_) {
    ++begun_;
    if (on_phase_) on_phase_(phase::begins);
    reload_answer answer;
    std::exception_ptr failure;
    try {
      answer = co_await reload_once();
    } catch (...) {
      failure = std::current_exception();
      if (loop::is_cancellation(failure)) begun_ = wanted_;  // no further reload begins
      answer = refused(loop::is_cancellation(failure) ? "the daemon ends" : loop::text_of(failure));
    }
    // Also when it was refused: logs are rotated whatever stands in the settings.
    context_.work.reopen_files();
    finish(answer);
    last_ = std::make_shared<const reload_answer>(std::move(answer));
    done_ = begun_;
    finished_.wake_all();
    if (on_phase_) on_phase_(phase::ends);
  }
  running_ = false;
}

loop::awaitable<reload_answer> reloader::reload_once() {
  if (context_.options.vocabulary == nullptr)
    co_return refused("there is no settings file: the daemon was started without one");
  if (context_.work.is_closing()) co_return refused("the daemon drains");
  const auto content = co_await read_file();
  if (!content->read.value || std::ranges::any_of(content->read.diagnostics, is_error)) {
    reload_answer answer;
    answer.diagnostics = std::move(content->read.diagnostics);
    co_return answer;
  }
  if (context_.work.is_closing()) co_return refused("the daemon drains");
  auto answer = co_await apply(*content);
  answer.diagnostics = std::move(content->read.diagnostics);
  co_return answer;
}

loop::awaitable<std::shared_ptr<reloader::file_content>> reloader::read_file() {
  auto content = std::make_shared<file_content>();
  const std::function<result<std::string>()> read = [content, vocabulary = context_.options.vocabulary,
                                                     present = context_.present]() -> result<std::string> {
    auto& loaded = content->read;
    loaded = settings::load_file(present->file, *vocabulary);
    if (!loaded.value) return std::string{};
    resolve_relative_paths(*loaded.value);
    content->changes = settings::compare(*present, *loaded.value);
    auto refusals = settings::refusals_of(content->changes, present->file, loaded.root);
    if (!refusals.empty()) loaded.diagnostics = std::move(refusals);
    return std::string{};
  };
  loop::io_thread reader{context_.loop, "settings"};
  const auto done = co_await reader.run(read);
  reader.close();
  if (!done) throw std::runtime_error{done.error().text};
  co_return content;
}

std::string reloader::refusal_by_engine(const settings::settings& next, const settings::difference& changes) const {
  const auto& engine = context_.broker.engine();
  std::size_t created = 0;
  for (const auto& [name, options] : next.queues) {
    const auto found = context_.broker.find(name);
    if (!found) {
      ++created;
    } else if (engine.options_of(*found).durability != options.durability && engine.levels(*found).jobs() != 0) {
      return "queues." + name +
             ".durability: the queue was made by a client or by earlier settings and holds jobs of another durability";
    }
  }
  if (created != 0 && engine.queue_count() + created > next.daemon.queues_max)
    return "daemon.queues_max: there are " + std::to_string(engine.queue_count()) + " queues, and " +
           std::to_string(created) + " would be added";
  if (context_.options.ends_when_idle && !changes.producers.empty()) {
    if (const auto endless = find_endless_producer(next); !endless.empty())
      return "producers." + endless + " never ends, so --until-idle would not end";
  }
  return {};
}

loop::awaitable<reload_answer> reloader::apply(file_content& content) {
  auto& next = *content.read.value;
  const auto& changes = content.changes;
  const auto reason = refusal_by_engine(next, changes);
  if (!reason.empty()) co_return refused(reason);
  workload::workload_change work{changes.producers.removed, changes.consumers.removed,
                                 entries_named(next.producers, changes.producers),
                                 entries_named(next.consumers, changes.consumers)};
  const bool work_changes = !work.empty();
  auto prepared = context_.work.prepare(std::move(work), context_.inputs, context_.outputs);
  if (!prepared) co_return refused(prepared.error().text);

  // Nothing can be refused from here on.
  apply_options(next, changes);
  context_.present = std::make_shared<const settings::settings>(std::move(next));
  apply_queues(changes);
  if (work_changes) {
    auto applying = context_.work.apply(std::move(*prepared), context_.present->daemon.drain_timeout);
    if (!co_await std::move(applying))
      co_return refused("a drain began before all of it was applied: a part is in use");
  }
  co_await remove_queues(changes);
  give_first_queue_defaults(changes);
  if (changes.queue_defaults) co_await apply_queue_defaults();
  reload_answer answer;
  answer.applied = true;
  answer.changes = changes.lines();
  co_return answer;
}

void reloader::apply_options(const settings::settings& next, const settings::difference& changes) {
  if (changes.daemon_keys.empty()) return;
  context_.stalls.set_threshold(next.daemon.stall_threshold);
  context_.work.set_stall_threshold(next.daemon.stall_threshold);
  context_.broker.set_queues_max(next.daemon.queues_max);
  context_.broker.set_metrics_linger(next.daemon.metrics_linger);
  context_.work.set_metrics_linger(next.daemon.metrics_linger);
  auto logged = next.daemon.log;
  logged.least = context_.options.level_min.value_or(logged.least);
  log::set_rules(std::move(logged));
  // The lifecycle reads `drain_timeout` when it drains.
}

void reloader::apply_queues(const settings::difference& changes) {
  if (changes.queue_defaults) context_.broker.set_queue_defaults(context_.present->queue_defaults);
  std::unordered_set<std::string_view> wanted{changes.queues.added.begin(), changes.queues.added.end()};
  wanted.insert(changes.queues.changed.begin(), changes.queues.changed.end());
  for (const auto& [name, options] : context_.present->queues) {
    if (!wanted.contains(name)) continue;
    if (const auto declared = context_.broker.declare(name, options); !declared)
      log::error("reload_incomplete", "a queue cannot be declared",
                 {{"queue", name}, {"reason", declared.error().text}});
  }
}

/// The first queue is declared when there are clients, so that it stays; the file need not name it.
void reloader::give_first_queue_defaults(const settings::difference& changes) {
  const auto found = context_.broker.find(first_queue);
  const auto& named = context_.present->queues;
  if (!found || std::ranges::any_of(named, [](const auto& queue) { return queue.first == first_queue; })) return;
  const bool is_removed = std::ranges::find(changes.queues.removed, first_queue) != changes.queues.removed.end();
  if (!is_removed && !changes.queue_defaults) return;
  if (!context_.serves_clients()) return context_.broker.undeclare(*found);
  auto options = context_.present->queue_defaults;
  options.durability = context_.broker.engine().options_of(*found).durability;
  context_.broker.declare(first_queue, options).value();
}

/// Called when nothing of the file uses them any more.
loop::awaitable<> reloader::remove_queues(const settings::difference& changes) {
  std::size_t removed = 0;
  for (const auto& name : changes.queues.removed) {
    const auto found = context_.broker.find(name);
    if (!found || name == first_queue) continue;
    context_.broker.undeclare(*found);
    if (++removed % slice_queues == 0) co_await loop::yield(context_.loop);
  }
}

loop::awaitable<> reloader::apply_queue_defaults() {
  const auto& engine = context_.broker.engine();
  std::vector<queue_id> slice;
  for (std::size_t position = 0;;) {
    slice.clear();
    position = engine.list_queues(position, slice_queues, slice);
    for (const auto queue : slice) context_.broker.apply_queue_defaults(queue);
    if (position == 0) co_return;
    co_await loop::yield(context_.loop);
  }
}

void reloader::finish(const reload_answer& answer) {
  facts_.successful = answer.applied;
  if (answer.applied) facts_.last_success_seconds = seconds_since_1970();
  const auto& file = context_.present->file;
  for (const auto& one : answer.diagnostics) {
    if (is_error(one)) {
      log::error("settings", one.text());
    } else {
      log::warning("settings", one.text());
    }
  }
  if (!answer.applied) {
    log::error("reload_refused", "the settings were not reloaded", {{"settings", file}, {"reason", reason_of(answer)}});
  } else if (answer.changes.empty()) {
    log::info("reloaded", "the settings were read again: nothing differs", {{"settings", file}});
  } else {
    log::info("reloaded", "the settings were reloaded",
              {{"settings", file}, {"changed", answer.changes.size()}, {"changes", joined(answer.changes)}});
  }
}

}  // namespace millrace::service
