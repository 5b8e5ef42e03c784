#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <millrace/loop/deadline.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/io_thread.hpp>

#include "broker/broker.hpp"
#include "loop/task_scope.hpp"
#include "offload/thread_pool.hpp"
#include "store/memory_store.hpp"
#include "workload/workload.hpp"

namespace millrace::testing {

inline const options_of<no_options>& no_option_table() {
  static const options_of<no_options> table;
  return table;
}

// --- sources -------------------------------------------------------------------------------------------------------

/// Gives the bodies and errors of a script, one after another. A duration means `nothing_yet`: `more` takes so long.
class scripted_source final : public sources::source {
 public:
  using line = std::variant<std::string, error, duration>;
  scripted_source(loop::event_loop& loop, std::deque<line> script, bool endless)
      : loop_{loop}, script_{std::move(script)}, endless_{endless} {}

  sources::next_body next(instant) override {
    if (script_.empty() && endless_) return body{std::to_string(++last_number_)};
    if (script_.empty()) return sources::no_more{};
    if (std::holds_alternative<duration>(script_.front())) return sources::nothing_yet{};
    auto first = std::move(script_.front());
    script_.pop_front();
    if (auto* const failure = std::get_if<error>(&first)) return std::move(*failure);
    return body{std::get<std::string>(first)};
  }
  loop::awaitable<> more() override {
    const auto length = std::get<duration>(script_.front());
    co_await loop::sleep_for(loop_, length);
    script_.pop_front();
  }
  [[nodiscard]] bool endless() const override { return endless_; }

 private:
  loop::event_loop& loop_;
  std::deque<line> script_;
  bool endless_;
  std::uint64_t last_number_{0};
};

inline sources::kind source_of(const std::deque<scripted_source::line>& script, bool endless = false) {
  return {"scripted", "", &no_option_table(),
          [=](const void*, const sources::source_context& context) -> result<std::unique_ptr<sources::source>> {
            return std::unique_ptr<sources::source>{std::make_unique<scripted_source>(context.loop, script, endless)};
          }};
}
/// 1, 2, 3, ... for ever.
inline sources::kind endless_source() { return source_of({}, true); }
inline sources::kind numbers_to(unsigned last) {
  std::deque<scripted_source::line> script;
  for (unsigned n = 1; n <= last; ++n) script.emplace_back(std::to_string(n));
  return source_of(script);
}

// --- handlers ------------------------------------------------------------------------------------------------------

using function = std::function<handlers::answer(const handlers::job&)>;

class quick final : public handlers::quick_handler {
 public:
  explicit quick(function callback) : callback_{std::move(callback)} {}
  handlers::answer handle(const handlers::job& work) override { return callback_(work); }

 private:
  function callback_;
};

/// Waits, then calls the callback.
class waiting final : public handlers::waiting_handler {
 public:
  waiting(loop::event_loop& loop, duration length, function callback)
      : loop_{loop}, length_{length}, callback_{std::move(callback)} {}
  loop::awaitable<handlers::answer> handle(handlers::job work) override {
    co_await loop::sleep_for(loop_, length_);
    co_return callback_(work);
  }

 private:
  loop::event_loop& loop_;
  duration length_;
  function callback_;
};

class counting_steps final : public offload::computation {
 public:
  explicit counting_steps(std::uint64_t steps) : left_{steps} {}
  offload::progress step() override { return --left_ == 0 ? offload::progress::done : offload::progress::more; }
  result<std::string> take_result() override { return std::string{"counted"}; }

 private:
  std::uint64_t left_;
};

/// The body is the number of steps. A body that begins with `!` throws in its first step.
class computing final : public handlers::computing_handler {
 public:
  result<std::unique_ptr<offload::computation>> begin(const handlers::job& work) override;
};

struct throwing_step final : offload::computation {
  offload::progress step() override { throw std::runtime_error{"the step went wrong"}; }
  result<std::string> take_result() override { return std::string{}; }
};

inline result<std::unique_ptr<offload::computation>> computing::begin(const handlers::job& work) {
  if (work.content.view() == "!") return std::unique_ptr<offload::computation>{std::make_unique<throwing_step>()};
  const auto steps = parse_count(work.content.view());
  if (!steps) return steps.error();
  return std::unique_ptr<offload::computation>{std::make_unique<counting_steps>(*steps)};
}

/// Answers with the body.
class echo final : public handlers::computing_handler {
 public:
  result<std::unique_ptr<offload::computation>> begin(const handlers::job& work) override {
    return std::unique_ptr<offload::computation>{std::make_unique<computation>(work.content)};
  }

 private:
  class computation final : public offload::computation {
   public:
    explicit computation(body content) : content_{std::move(content)} {}
    offload::progress step() override { return offload::progress::done; }
    result<std::string> take_result() override { return std::string{content_.view()}; }

   private:
    body content_;
  };
};

inline handlers::kind quick_kind(const function& callback) {
  return {"quick", "", &no_option_table(), false,
          [=](const void*, const handlers::handler_context&) -> result<handlers::handler> {
            return handlers::handler{std::unique_ptr<handlers::quick_handler>{std::make_unique<quick>(callback)}};
          }};
}
inline handlers::kind waiting_kind(duration length, const function& callback) {
  return {"waiting", "", &no_option_table(), false,
          [=](const void*, const handlers::handler_context& context) -> result<handlers::handler> {
            return handlers::handler{
                std::unique_ptr<handlers::waiting_handler>{std::make_unique<waiting>(context.loop, length, callback)}};
          }};
}
inline handlers::kind computing_kind() {
  return {"computing", "", &no_option_table(), true,
          [](const void*, const handlers::handler_context&) -> result<handlers::handler> {
            return handlers::handler{std::unique_ptr<handlers::computing_handler>{std::make_unique<computing>()}};
          }};
}

inline handlers::kind echo_kind() {
  return {"echo", "", &no_option_table(), true,
          [](const void*, const handlers::handler_context&) -> result<handlers::handler> {
            return handlers::handler{std::unique_ptr<handlers::computing_handler>{std::make_unique<echo>()}};
          }};
}

// --- the fixture ---------------------------------------------------------------------------------------------------

/// A workload with everything it needs, on a loop whose clock the test moves (or a real one).
struct workload_fixture {
  explicit workload_fixture(workload::workload_options options = {}, loop::clock_kind clock = loop::clock_kind::manual,
                            store::store* store = nullptr, engine::engine_options limits = {})
      : loop{clock}, broker{loop, store == nullptr ? nothing : *store, limits}, jobs{loop, broker, threads, options} {}
  ~workload_fixture() {
    if (!closed) scope.spawn("end", end(*this, end_when::at_once));
    loop.run_ready();
    if (!closed || scope.size() != 0) loop.run();
  }

  queue_id queue(std::string_view name, const engine::queue_options& options = {}) {
    return broker.declare(name, options).value();
  }
  void put(queue_id queue, std::string_view content, duration delay = {},
           engine::priority urgency = engine::default_priority) {
    static_cast<void>(broker.try_put(session, queue, {.content = body{content}, .priority = urgency, .delay = delay}));
  }
  void producer(std::string name, workload::producer_options options, sources::kind kind) {
    auto& kept = *source_kinds.emplace_back(std::make_unique<sources::kind>(std::move(kind)));
    producers.push_back({std::move(name), std::move(options), &kept, nullptr});
  }
  void consumer(std::string name, workload::consumer_options options, handlers::kind kind) {
    auto& kept = *handler_kinds.emplace_back(std::make_unique<handlers::kind>(std::move(kind)));
    consumers.push_back({std::move(name), std::move(options), &kept, nullptr});
  }
  void consumer_with_steps(std::string name, workload::consumer_options options, std::vector<handlers::kind> kinds) {
    workload::consumer_settings settings{.name = std::move(name), .common = std::move(options)};
    for (auto& kind : kinds)
      settings.steps.push_back({handler_kinds.emplace_back(std::make_unique<handlers::kind>(std::move(kind))).get()});
    consumers.push_back(std::move(settings));
  }
  result<> try_start() { return jobs.start(producers, consumers, {loop}, {loop, output}); }
  /// Starts everything and runs what is ready now.
  void start() {
    try_start().value();
    loop.run_ready();
  }
  /// For the real clock: starts everything and returns when it is idle.
  void run_until_idle() {
    try_start().value();
    scope.spawn("end", end(*this, end_when::when_idle));
    loop.run();
  }
  /// Turns the loop until worker threads have made the condition true.
  template <class Condition>
  void turn_until(Condition done) {
    while (!done()) {
      if (loop.run_ready() == 0) std::this_thread::yield();
    }
  }
  /// A handler that notes the bodies it sees.
  function note() {
    return [this](const handlers::job& work) -> handlers::answer {
      seen.emplace_back(work.content.view());
      return std::nullopt;
    };
  }

  [[nodiscard]] engine::queue_levels levels(std::string_view name) const {
    return broker.engine().levels(*broker.find(name));
  }
  [[nodiscard]] std::uint64_t outcomes(std::size_t consumer, engine::outcome result) const {
    return jobs.consumers()[consumer]->outcomes[static_cast<std::size_t>(result)].value();
  }
  void watch_idle() { scope.spawn("idle", note_idle(*this)); }
  void drain(duration patience) { scope.spawn("drain", note_drained(*this, patience)); }

  static loop::awaitable<> note_idle(workload_fixture& fixture) {
    co_await fixture.jobs.idle();
    fixture.idle = true;
  }
  static loop::awaitable<> note_drained(workload_fixture& fixture, duration patience) {
    fixture.drained = co_await fixture.jobs.drain(patience);
  }
  enum class end_when { at_once, when_idle };
  static loop::awaitable<> end(workload_fixture& fixture, end_when moment) {
    if (moment == end_when::at_once) {
      fixture.jobs.stop();
    } else {
      co_await fixture.jobs.idle();
    }
    co_await fixture.jobs.drain(duration::zero());
    fixture.broker.close();
    fixture.threads.close();
    fixture.output.close();
    fixture.closed = true;
  }

  loop::event_loop loop;
  store::memory_store nothing;
  broker::broker broker;
  offload::thread_pool threads{loop, {.threads = 2}};
  loop::io_thread output{loop, "output"};
  workload::workload jobs;
  loop::task_scope scope{loop};
  session_id session{broker.open_session()};

  std::vector<std::unique_ptr<sources::kind>> source_kinds;
  std::vector<std::unique_ptr<handlers::kind>> handler_kinds;
  std::vector<workload::producer_settings> producers;
  std::vector<workload::consumer_settings> consumers;
  std::vector<std::string> seen;
  bool idle{false};
  bool closed{false};
  std::optional<std::size_t> drained;
};

}  // namespace millrace::testing
