#include "beanstalk/session.hpp"

#include <algorithm>
#include <cassert>
#include <unordered_map>
#include <utility>

#include <millrace/loop/wait_point.hpp>

#include "beanstalk/connection.hpp"
#include "beanstalk/protocol_errors.hpp"

namespace millrace::beanstalk {

struct sessions::parts {
  parts(loop::event_loop& loop, broker::broker& broker, network::door_counts& door, session_limits limits)
      : shared{loop, broker, door, limits}, emptied{loop, "connections"} {
    shared.facts.max_job_size = limits.job_bytes_max;
    shared.facts.began_at = loop.refresh_now();
    shared.facts.id = new_server_id();
    shared.facts.door = &door;
    shared.bodies.bytes_left = std::max<std::uint64_t>(limits.all_bodies_bytes_max, limits.job_bytes_max);
    broker.when_safe([this] {
      const auto those = std::exchange(shared.await_commit, {});
      for (auto* const one : those) one->more_is_safe();
    });
    shared.gone = [this](connection& one) { remove(one); };
  }

  ~parts() { shared.broker.when_safe({}); }
  parts(const parts&) = delete;
  parts& operator=(const parts&) = delete;

  connection& add(network::stream_socket socket) {
    auto fresh = std::make_unique<connection>(shared, std::move(socket));
    auto& one = *fresh;
    open.emplace(&one, std::move(fresh));
    return one;
  }

  void remove(connection& one) {
    open.erase(&one);
    if (open.empty()) emptied.wake_all();
  }

  surroundings shared;
  std::unordered_map<connection*, std::unique_ptr<connection>> open;
  loop::wait_point emptied;
};

sessions::sessions(loop::event_loop& loop, broker::broker& broker, network::door_counts& door, session_limits limits)
    : parts_{std::make_unique<parts>(loop, broker, door, limits)} {
  assert(limits.job_bytes_max <= job_bytes_most && limits.reply_bytes_max >= 1);
  for (const auto code : protocol_errors::all) door.protocol_errors.emplace_back(code, counter{});
}

sessions::~sessions() { assert(parts_->open.empty()); }

loop::awaitable<> sessions::serve(network::stream_socket socket) {
  connection& one = parts_->add(std::move(socket));
  struct leaving {
    connection& which;
    ~leaving() { which.served(); }
  } const at_the_end{one};
  co_await one.serve();
}

void sessions::refuse_puts() {
  parts_->shared.facts.draining = true;
  parts_->shared.broker.refuse_puts();
}

void sessions::finish() {
  // One that ends at once is still there: it goes when its coroutine has ended.
  for (const auto& [one, owned] : parts_->open) one->finish();
}

loop::awaitable<> sessions::close() {
  while (!parts_->open.empty()) co_await parts_->emptied.wait();
}

const session_counts& sessions::counts() const noexcept { return parts_->shared.counts; }

}  // namespace millrace::beanstalk
