#include "base/log.hpp"

#include <poll.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <utility>
#include <vector>

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/sink.h>

namespace millrace::log {

namespace {

/// How long a sink that is replaced may take to write its lines.
constexpr duration replacing_patience = seconds{5};

spdlog::level::level_enum their(level ours) {
  switch (ours) {
    case level::debug:
      return spdlog::level::debug;
    case level::info:
      return spdlog::level::info;
    case level::warning:
      return spdlog::level::warn;
    case level::error:
      break;
  }
  return spdlog::level::err;
}

level ours(spdlog::level::level_enum theirs) {
  switch (theirs) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return level::debug;
    case spdlog::level::info:
      return level::info;
    case spdlog::level::warn:
      return level::warning;
    default:
      return level::error;
  }
}

// Inside a sink of spdlog the names `level` and `log` are taken.
using deliver_function = std::function<void(level, std::string_view)>;

/// The end of the ring: hands each line to `deliver` on the log's thread and counts it, so that `stop` knows when all
/// are out.
class delivery : public spdlog::sinks::sink {
 public:
  explicit delivery(deliver_function deliver) : deliver_{std::move(deliver)} {}

  void log(const spdlog::details::log_msg& message) override {
    if (!abandoned_.load()) {
      try {
        deliver_(ours(message.level), {message.payload.data(), message.payload.size()});
      } catch (...) {
        // An error of the sink cannot be reported. This line is lost; the next ones are tried.
        failed_.fetch_add(1);
      }
    }
    const std::lock_guard lock{mutex_};
    ++done_;
    all_out_.notify_all();
  }

  /// False when `lines` have not gone through within `patience`.
  bool wait_for(std::uint64_t lines, duration patience) {
    std::unique_lock lock{mutex_};
    return all_out_.wait_for(lock, patience, [&] { return done_ >= lines; });
  }
  /// Lines still in the ring are not delivered any more. Returns how many went through before.
  std::uint64_t abandon() {
    abandoned_.store(true);
    const std::lock_guard lock{mutex_};
    return done_;
  }
  [[nodiscard]] std::uint64_t failed() const { return failed_.load(); }

  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  deliver_function deliver_;
  std::atomic<bool> abandoned_{false};
  std::atomic<std::uint64_t> failed_{0};
  std::mutex mutex_;
  std::condition_variable all_out_;
  std::uint64_t done_{0};
};

/// Signals belong to the thread that waits for them.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

/// One sink with its ring and its thread.
struct pipe {
  pipe(sink destination, rules logged)
      : render{std::move(destination.render)},
        severity_rules{std::move(logged)},
        end{std::make_shared<delivery>(std::move(destination.deliver))},
        ring{std::make_shared<spdlog::details::thread_pool>(ring_lines_max, 1, block_signals)},
        logger{std::make_shared<spdlog::async_logger>("millrace", end, ring,
                                                      spdlog::async_overflow_policy::overrun_oldest)} {
    logger->set_level(spdlog::level::trace);
  }
  // The thread ends before what it uses.
  ~pipe() { ring.reset(); }
  pipe(const pipe&) = delete;
  pipe& operator=(const pipe&) = delete;

  void post(level severity, const std::string& rendered) {
    logger->log(their(severity), spdlog::string_view_t{rendered.data(), rendered.size()});
    posted.fetch_add(1);
  }
  [[nodiscard]] std::uint64_t dropped() const { return ring->overrun_counter() + end->failed(); }

  std::function<std::string(const record&, wall_time)> render;
  rules severity_rules;
  std::shared_ptr<delivery> end;
  std::shared_ptr<spdlog::details::thread_pool> ring;
  std::shared_ptr<spdlog::async_logger> logger;
  std::atomic<std::uint64_t> posted{0};
};

/// Writers share the lock while they render and post; `start` and `stop` hold it alone while they exchange the pipe, so
/// that no writer posts into one that ends. Never destroyed, because other threads may log while the program exits.
struct state {
  std::shared_mutex mutex;
  std::unique_ptr<pipe> now;
  /// Pipes whose sink was stuck when they were stopped: their threads cannot be joined.
  std::vector<std::unique_ptr<pipe>> stuck;
  std::atomic<std::uint64_t> dropped{0};  ///< of pipes that ended, and lines that could not be rendered
};

state& the_log() {
  static auto& only = *new state;
  return only;
}

void append(std::string& text, const field& each) {
  text.append(" ").append(each.key).append("=");
  std::visit(
      [&text](const auto& value) {
        using type = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<type, bool>)
          text.append(value ? "true" : "false");
        else if constexpr (std::is_same_v<type, std::string_view>)
          text.append(value);
        else
          text.append(std::to_string(value));
      },
      each.value);
}

void write_at_once(const record& entry) {
  constexpr std::string_view names[]{"debug", "info", "warning", "error"};
  std::string text{names[static_cast<std::size_t>(entry.severity)]};
  text.append(" ").append(entry.event).append(": ").append(entry.sentence);
  for (const field& each : entry.fields) append(text, each);
  text.append("\n");
  // Must not wait, because there may be no reader.
  pollfd standard_error{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&standard_error, 1, 0) == 0) {
    the_log().dropped.fetch_add(1);
    return;
  }
  // An error of standard error cannot be reported anywhere.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

std::unique_ptr<pipe> exchange(std::unique_ptr<pipe> next) {
  const std::unique_lock lock{the_log().mutex};
  return std::exchange(the_log().now, std::move(next));
}

void end(std::unique_ptr<pipe> old, duration patience) {
  if (!old) return;
  state& log = the_log();
  const std::uint64_t overrun = old->ring->overrun_counter();
  const std::uint64_t expected = old->posted.load() - overrun;
  if (old->end->wait_for(expected, patience)) {
    log.dropped.fetch_add(old->dropped());
    return;
  }
  const std::uint64_t delivered = old->end->abandon();
  const std::unique_lock lock{log.mutex};
  log.dropped.fetch_add(overrun + old->end->failed() + (expected - std::min(expected, delivered)));
  log.stuck.push_back(std::move(old));
}

}  // namespace

namespace {

/// The severity of a record by these rules. nullopt: it is not logged.
std::optional<level> severity_by(const rules& severity_rules, level own, std::string_view event) {
  const auto rule = std::find_if(severity_rules.events.begin(), severity_rules.events.end(),
                                 [event](const event_rule& candidate) { return candidate.event == event; });
  const auto severity = rule == severity_rules.events.end() ? own : rule->severity;
  return severity && *severity >= severity_rules.least ? severity : std::nullopt;
}

}  // namespace

void write(level severity, std::string_view event, std::string_view sentence,
           std::initializer_list<field> fields) noexcept {
  state& log = the_log();
  try {
    record entry{severity, event, sentence, {fields.begin(), fields.size()}};
    const std::shared_lock lock{log.mutex};
    if (!log.now) return write_at_once(entry);
    const auto logged = severity_by(log.now->severity_rules, severity, event);
    if (!logged) return;
    entry.severity = *logged;
    log.now->post(*logged, log.now->render(entry, std::chrono::system_clock::now()));
  } catch (...) {
    // Out of memory, or a renderer with a bug: the line is lost, and counted.
    log.dropped.fetch_add(1);
  }
}

void start(sink destination, rules severity_rules) {
  auto next = std::make_unique<pipe>(std::move(destination), std::move(severity_rules));
  end(exchange(std::move(next)), replacing_patience);
}

void start(sink destination, level least) { start(std::move(destination), rules{least, {}}); }

void set_rules(rules severity_rules) {
  const std::unique_lock lock{the_log().mutex};
  if (the_log().now) the_log().now->severity_rules = std::move(severity_rules);
}

void stop(duration patience) { end(exchange(nullptr), patience); }

std::uint64_t dropped() noexcept {
  state& log = the_log();
  const std::shared_lock lock{log.mutex};
  return log.dropped.load() + (log.now ? log.now->dropped() : 0);
}

}  // namespace millrace::log
