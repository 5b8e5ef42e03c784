#include "beanstalk/session.hpp"

#include <algorithm>
#include <cassert>
#include <unordered_map>
#include <utility>

#include <millrace/loop/deadline.hpp>
#include <millrace/loop/wait_point.hpp>

#include "beanstalk/connection.hpp"
#include "beanstalk/protocol_errors.hpp"

namespace millrace::beanstalk {

namespace {

/// Between two looks at clients that hold jobs while the daemon drains: nobody is told when a lease runs out.
constexpr duration drain_look_every = milliseconds{100};

/// More has become safe: writes to each connection what it waited for. There may be thousands: what takes too long goes on at the next turn.
class release_of_replies final : private loop::ready_entry {
 public:
  explicit release_of_replies(connection_context& shared) noexcept : shared_{shared} {}

  void begin() {
    left_ = shared_.await_commit.size();
    if (!queued_) go_on();
  }
  /// It will be back at the next turn, and must be there.
  [[nodiscard]] bool is_queued() const noexcept { return queued_; }

 private:
  static constexpr duration a_turn = microseconds{500};

  void resume() override {
    queued_ = false;
    go_on();
  }

  void go_on() {
    const instant enough = after(shared_.loop.refresh_now(), a_turn);
    // Who still waits comes to the end of the line again; who has left is not in it any more.
    for (; left_ > 0 && !shared_.await_commit.empty() && shared_.loop.refresh_now() < enough; --left_) {
      connection& next = *shared_.await_commit.front();
      shared_.await_commit.pop_front();
      next.on_durable();
    }
    if (left_ == 0 || shared_.await_commit.empty()) return;
    queued_ = true;
    shared_.loop.core().ready.push_behind(*this);
  }

  connection_context& shared_;
  std::size_t left_{0};
  bool queued_{false};
};

}  // namespace

struct sessions::parts {
  parts(loop::event_loop& loop, broker::broker& broker, network::door_counts& door, session_limits limits)
      : shared{loop, broker, door, limits}, left{loop, "connections"} {
    shared.facts.max_job_size = limits.job_bytes_max;
    shared.facts.began_at = loop.refresh_now();
    shared.facts.id = new_server_id();
    shared.facts.door = &door;
    shared.bodies.bytes_left = std::max<std::uint64_t>(limits.all_bodies_bytes_max, limits.job_bytes_max);
    durable = broker.subscribe_durable([this] { release.begin(); });
    shared.on_disconnected = [this](connection& one) { remove(one); };
  }

  connection& add(network::stream_socket socket) {
    auto fresh = std::make_unique<connection>(shared, std::move(socket));
    auto& one = *fresh;
    open.emplace(&one, std::move(fresh));
    return one;
  }

  void remove(connection& one) {
    open.erase(&one);
    if (left.waiting() != 0) left.wake_all();
  }

  /// Lets those end that have become able to, and tells whether any has work left. A lease that ran out is noticed here.
  bool work_left() {
    bool some = false;
    for (const auto& [one, owned] : open) {
      one->drain();
      some = one->has_work() || some;
    }
    return some;
  }

  connection_context shared;
  release_of_replies release{shared};
  std::unordered_map<connection*, std::unique_ptr<connection>> open;
  loop::wait_point left;  ///< a connection has gone
  broker::subscription durable;
};

sessions::sessions(loop::event_loop& loop, broker::broker& broker, network::door_counts& door, session_limits limits)
    : parts_{std::make_unique<parts>(loop, broker, door, limits)} {
  assert(limits.job_bytes_max <= job_bytes_most && limits.reply_bytes_max >= 1);
  for (const auto code : protocol_errors::all) door.protocol_errors.emplace_back(code, counter{});
}

sessions::~sessions() { assert(parts_->open.empty()); }

loop::awaitable<> sessions::serve(network::stream_socket socket) {
  if (parts_->shared.counts.draining) co_return;  // accepted just before
  connection& one = parts_->add(std::move(socket));
  struct leaving {
    connection& which;
    ~leaving() { which.on_task_ended(); }
  } const at_the_end{one};
  co_await one.serve();
}

void sessions::refuse_puts() {
  parts_->shared.facts.draining = true;
  parts_->shared.broker.refuse_puts();
}

void sessions::drain() {
  refuse_puts();
  parts_->shared.counts.draining = true;
  for (const auto& [one, owned] : parts_->open) one->drain();
}

loop::awaitable<bool> sessions::drained(instant until) {
  auto& p = *parts_;
  loop::deadline look_again{p.shared.loop, [&p] { p.left.wake_all(); }};
  while (p.work_left()) {
    if (p.shared.loop.refresh_now() >= until) co_return false;
    look_again.set(std::min(until, after(p.shared.loop.now(), drain_look_every)));
    co_await p.left.wait();
  }
  co_return true;
}

void sessions::finish() {
  // One that ends at once is still there: it goes when its coroutine has ended.
  for (const auto& [one, owned] : parts_->open) one->finish();
}

loop::awaitable<> sessions::close() {
  while (!parts_->open.empty()) co_await parts_->left.wait();
  while (parts_->release.is_queued()) co_await loop::yield(parts_->shared.loop);
}

const session_counts& sessions::counts() const noexcept { return parts_->shared.counts; }

}  // namespace millrace::beanstalk
