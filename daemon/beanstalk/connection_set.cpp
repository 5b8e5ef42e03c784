#include "beanstalk/connection_set.hpp"

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

/// Between two checks of clients that hold jobs while the daemon drains: the end of a lease is not announced.
constexpr duration drain_check_every = milliseconds{100};

/// Writes to each connection the replies that have become durable. There may be thousands of connections: after
/// `turn_max` it continues at the next turn. Owned by `connection_set`; loop thread only.
class reply_release final : private loop::ready_entry {
 public:
  explicit reply_release(connection_context& context) noexcept : context_{context} {}

  void begin() {
    left_ = context_.await_commit.size();
    if (!queued_) proceed();
  }
  /// It resumes at the next turn and must exist until then.
  [[nodiscard]] bool is_queued() const noexcept { return queued_; }

 private:
  static constexpr duration turn_max = microseconds{500};

  void resume() override {
    queued_ = false;
    proceed();
  }

  void proceed() {
    const instant end_of_turn = after(context_.loop.refresh_now(), turn_max);
    // A connection that still waits goes to the end of the list again; one that has closed does nothing.
    for (; left_ > 0 && !context_.await_commit.empty() && context_.loop.refresh_now() < end_of_turn; --left_) {
      connection& next = *context_.await_commit.front();
      context_.await_commit.pop_front();
      next.on_durable();
    }
    if (left_ == 0 || context_.await_commit.empty()) return;
    queued_ = true;
    context_.loop.core().ready.push_behind(*this);
  }

  connection_context& context_;
  std::size_t left_{0};
  bool queued_{false};
};

}  // namespace

struct connection_set::parts {
  parts(loop::event_loop& loop, broker::broker& broker, network::listener_counts& listener, session_limits limits)
      : context{loop, broker, listener, limits}, left{loop, "connections"} {
    context.facts.max_job_size = limits.job_bytes_max;
    context.facts.began_at = loop.refresh_now();
    context.facts.id = new_server_id();
    context.facts.listener = &listener;
    context.bodies.bytes_left = std::max<std::uint64_t>(limits.all_bodies_bytes_max, limits.job_bytes_max);
    durable = broker.subscribe_durable([this] { release.begin(); });
    context.on_disconnected = [this](connection& one) { remove(one); };
  }

  connection& add(network::stream_socket socket) {
    auto fresh = std::make_unique<connection>(context, std::move(socket));
    auto& one = *fresh;
    open.emplace(&one, std::move(fresh));
    return one;
  }

  void remove(connection& one) {
    open.erase(&one);
    if (left.waiting() != 0) left.wake_all();
  }

  /// Ends the connections that have no work left and returns whether any still has. Notices leases that have ended.
  bool work_left() {
    bool some = false;
    for (const auto& [one, owned] : open) {
      one->drain();
      some = one->has_work() || some;
    }
    return some;
  }

  connection_context context;
  reply_release release{context};
  std::unordered_map<connection*, std::unique_ptr<connection>> open;
  loop::wait_point left;  ///< a connection has released everything
  broker::subscription durable;
};

connection_set::connection_set(loop::event_loop& loop, broker::broker& broker, network::listener_counts& listener,
                               session_limits limits)
    : parts_{std::make_unique<parts>(loop, broker, listener, limits)} {
  assert(limits.job_bytes_max <= job_bytes_most && limits.reply_bytes_max >= 1);
  for (const auto code : protocol_errors::all) listener.protocol_errors.emplace_back(code, counter{});
}

connection_set::~connection_set() { assert(parts_->open.empty()); }

loop::awaitable<> connection_set::serve(network::stream_socket socket) {
  if (parts_->context.draining) co_return;  // accepted just before the drain
  connection& one = parts_->add(std::move(socket));
  struct end_of_task {
    connection& ended;
    ~end_of_task() { ended.on_task_ended(); }
  } const at_the_end{one};
  co_await one.serve();
}

void connection_set::refuse_puts() {
  parts_->context.facts.draining = true;
  parts_->context.broker.refuse_puts();
}

void connection_set::drain() {
  refuse_puts();
  parts_->context.draining = true;
  for (const auto& [one, owned] : parts_->open) one->drain();
}

loop::awaitable<bool> connection_set::drained(instant until) {
  auto& p = *parts_;
  loop::deadline next_check{p.context.loop, [&p] { p.left.wake_all(); }};
  while (p.work_left()) {
    if (p.context.loop.refresh_now() >= until) co_return false;
    next_check.set(std::min(until, after(p.context.loop.now(), drain_check_every)));
    co_await p.left.wait();
  }
  co_return true;
}

void connection_set::finish() {
  // A connection that ends at once stays in `open` until its coroutine has ended.
  for (const auto& [one, owned] : parts_->open) one->finish();
}

loop::awaitable<> connection_set::close() {
  while (!parts_->open.empty()) co_await parts_->left.wait();
  while (parts_->release.is_queued()) co_await loop::yield(parts_->context.loop);
}

std::string connection_set::peer_name(session_id session) const {
  const auto found =
      std::ranges::find_if(parts_->open, [&](const auto& one) { return one.first->has_session(session); });
  return found == parts_->open.end() ? std::string{} : found->first->peer_name();
}

const session_counts& connection_set::counts() const noexcept { return parts_->context.counts; }

}  // namespace millrace::beanstalk
