#include <millrace/loop/event_loop.hpp>

#include <algorithm>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/require.hpp>
#include <cassert>
#include <optional>
#include <utility>

#include "loop/adaptive_spin.hpp"
#include "loop/loop_core.hpp"

namespace millrace::loop {

namespace {

/// Handlers and resumptions in one turn, before the clock is read again and due deadlines fire.
constexpr std::uint64_t work_a_turn = 128;

using system_timer =
    boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                      boost::asio::io_context::executor_type>;

instant read_clock() noexcept { return std::chrono::steady_clock::now(); }

}  // namespace

struct event_loop::parts {
  explicit parts(clock_kind kind) : clock{kind} {
    core.now = awake_since = clock == clock_kind::real ? read_clock() : instant{hours{1}};
    core.turn.on_woken = [this] { wake_up(); };
    probe.on_due = [this] {
      counts.lag.observe(core.now - probe_due);
      set_probe();
    };
  }

  void run() {
    core.owner = std::this_thread::get_id();
    // Before the first sleep, because a loop that always has work never sleeps.
    if (clock == clock_kind::real && core.tasks.size() > 0 && !is_probing()) {
      refresh();
      set_probe();
    }
    for (;;) {
      if (turn() == ready::more || mail_comes_soon()) continue;
      prepare_sleep();
      core.turn.asleep = true;
      const std::size_t handled = core.context.run_one();
      if (core.turn.asleep) wake_up();
      if (handled == 0) break;
    }
  }

  bool mail_comes_soon() {
    if (core.mail_expected == 0) return false;
    // The flag is cleared, so that a ring whose mail is delivered already does not keep the loop awake.
    return before_sleep.until([this] {
      return core.mail_rang.load(std::memory_order_relaxed) &&
             core.mail_rang.exchange(false, std::memory_order_acquire);
    });
  }

  std::size_t run_ready() {
    core.owner = std::this_thread::get_id();
    std::size_t handled = 0;
    while (turn(&handled) == ready::more) {
    }
    return handled;
  }

  enum class ready { none, more };

  /// Reads the clock, fires what is due and runs ready handlers until there are none or it is time for the next turn.
  ready turn(std::size_t* handled_in_all = nullptr) {
    if (core.context.stopped()) core.context.restart();
    refresh();
    counts.turns.add();
    core.ready.begin_turn();
    // As a handler, because Asio cancels at once only inside a handler.
    if (core.deadlines.next() <= core.now) boost::asio::post(core.context, [this] { fire_due(); });
    const std::uint64_t resumed_before = core.ready.resumed();
    std::uint64_t handled = 0;
    ready left = ready::more;
    while (handled + (core.ready.resumed() - resumed_before) < work_a_turn && left == ready::more) {
      if (core.context.poll_one() == 0) {
        left = ready::none;
      } else {
        ++handled;
      }
    }
    if (handled_in_all != nullptr) *handled_in_all += handled;
    return core.ready.wants_turn() || core.deadlines.next() <= core.now ? ready::more : left;
  }

  void refresh() {
    if (clock == clock_kind::manual) return;
    core.now = read_clock();
    counts.busy_nanoseconds.add(static_cast<std::uint64_t>((core.now - awake_since).count()));
    awake_since = core.now;
  }

  void wake_up() {
    core.turn.asleep = false;
    if (clock == clock_kind::manual) return;
    const instant fell_asleep = core.now;
    core.now = awake_since = read_clock();
    before_sleep.slept(core.now - fell_asleep);
  }

  void fire_due() {
    resumption noted{core.tasks.loop_itself()};
    // A deadline that sets itself again for `now` fires in a later turn.
    for (std::size_t most = core.deadlines.size(); most > 0; --most) {
      due_entry* const entry = core.deadlines.take_due(core.now);
      if (entry == nullptr) break;
      entry->on_due();
    }
  }

  [[nodiscard]] bool is_probing() const { return probe.heap_index != due_entry::not_in_heap; }
  void set_probe() {
    probe_due = after(core.now, lag_probe_every);
    core.deadlines.set(probe, probe_due);
  }

  /// While there is a task, the context must not run out of work, whatever the task waits for.
  void prepare_sleep() {
    if (core.tasks.size() == 0) {
      alive.reset();
    } else if (!alive) {
      alive.emplace(
          boost::asio::require(core.context.get_executor(), boost::asio::execution::outstanding_work.tracked));
    }
    if (clock == clock_kind::real) {
      refresh();
      const bool probing = is_probing();
      const bool has_work = alive.has_value() || core.deadlines.size() > (probing ? 1u : 0u);
      if (has_work && !probing) set_probe();
      if (!has_work && probing) core.deadlines.clear(probe);  // the probe alone does not keep the loop running
      set_timer(core.deadlines.next());
    }
    if (core.context.stopped()) core.context.restart();
  }

  /// Sets the system timer that serves all deadlines. It stays set when a deadline is cleared, because one needless
  /// wake-up is cheaper than setting the timer again each time.
  void set_timer(instant next) {
    if (next == never && armed != never) {
      armed = never;
      timer.cancel();
    } else if (next < armed) {
      armed = next;
      timer.expires_at(next);
      timer.async_wait([this](const boost::system::error_code& failed) {
        if (failed) return;  // set again, or no longer needed
        armed = never;
        fire_due();
      });
    }
  }

  using tracked_executor =
      std::decay_t<boost::asio::require_result<executor::inner_executor,
                                               boost::asio::execution::outstanding_work_t::tracked_t>::type>;

  clock_kind clock;
  loop_core core;
  loop_counts counts;
  std::optional<tracked_executor> alive;
  system_timer timer{core.context.get_executor()};
  instant armed{never};
  instant awake_since{};
  adaptive_spin before_sleep;
  due_entry probe;
  instant probe_due{};
};

event_loop::event_loop(clock_kind clock) : parts_{std::make_unique<parts>(clock)} {}

event_loop::~event_loop() { assert(parts_->core.tasks.size() == 0); }

void event_loop::run() { parts_->run(); }

instant event_loop::now() const noexcept { return parts_->core.now; }

instant event_loop::refresh_now() noexcept {
  parts_->refresh();
  return parts_->core.now;
}

void event_loop::post_from_any_thread(std::function<void()> work) {
  boost::asio::post(parts_->core.context, [&core = parts_->core, work = std::move(work)] {
    resumption noted{core.tasks.loop_itself()};
    work();
  });
}

void event_loop::advance(duration by) {
  assert(parts_->clock == clock_kind::manual && by >= duration::zero());
  loop_core& core = parts_->core;
  const instant end = core.now + by;
  parts_->run_ready();
  while (core.deadlines.next() <= end) {
    core.now = std::max(core.now, core.deadlines.next());
    parts_->run_ready();
  }
  core.now = end;
}

std::size_t event_loop::run_ready() { return parts_->run_ready(); }

std::vector<task_facts> event_loop::tasks_with_named_jobs() const {
  return parts_->core.tasks.facts_of_named_jobs(parts_->core.now);
}

std::vector<task_facts> event_loop::tasks() const { return parts_->core.tasks.facts(parts_->core.now); }

bool event_loop::cancel(task_id id) {
  task_record* const task = parts_->core.tasks.find(id);
  if (task != nullptr) parts_->core.cancel(*task);
  return task != nullptr;
}

const loop_counts& event_loop::counts() const noexcept { return parts_->counts; }

executor event_loop::get_executor() noexcept { return {parts_->core.context.get_executor(), parts_->core.current()}; }

boost::asio::io_context& event_loop::context() noexcept { return parts_->core.context; }

loop_core& event_loop::core() noexcept { return parts_->core; }

}  // namespace millrace::loop
