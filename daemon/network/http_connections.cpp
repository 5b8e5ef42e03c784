#include "network/http_connections.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace millrace::network {

http_connections::http_connections(loop::event_loop& loop, std::uint32_t per_origin_max, std::size_t kept_max,
                                   duration idle_time, http_client_counts& counts)
    : loop_{loop},
      per_origin_max_{per_origin_max},
      kept_max_{kept_max},
      idle_time_{idle_time},
      counts_{counts},
      next_expiry_{loop, [this] { close_expired(); }} {}

loop::awaitable<http_connections::lease> http_connections::acquire(std::string name) {
  auto& found = origins_[name];
  if (found == nullptr) found = std::make_unique<origin>(loop_, std::move(name));
  auto& from = *found;
  // A task that comes now must not overtake those that wait.
  if (is_full(from) || from.capacity.waiting() != 0) {
    auto waiting = wait_for_capacity(from);
    co_await std::move(waiting);
  }
  ++from.leases;
  ++leases_;
  ++counts_.busy;
  lease taken{*this, from};
  taken.stream_ = take_quiet(from);
  taken.is_kept_ = taken.stream_ != nullptr;
  if (!taken.is_kept_) taken.renew();
  co_return taken;
}

loop::awaitable<> http_connections::wait_for_capacity(origin& of) {
  /// It ends with the frame, also when the task is cancelled.
  struct held_request {
    ~held_request() { counts.end(began, loop.now()); }
    loop::backpressure& counts;
    loop::event_loop& loop;
    instant began;
  };
  const held_request held{counts_.waiting, loop_, loop_.now()};
  counts_.waiting.begin(held.began);
  co_await of.capacity.wait();
  --of.promised;
}

std::unique_ptr<client_stream> http_connections::take_quiet(origin& from) {
  while (!from.idle.empty()) {
    const auto last = from.idle.back();
    from.idle.pop_back();
    auto stream = std::move(last->stream);
    kept_.erase(last);
    --counts_.kept;
    if (stream->is_quiet()) return stream;
  }
  return nullptr;
}

http_connections::lease::~lease() {
  if (owner_ != nullptr) owner_->release(*this);
}

void http_connections::lease::renew() {
  stream_ = std::make_unique<client_stream>(owner_->loop_);
  owner_->counts_.opened.add();
  is_kept_ = false;
}

void http_connections::release(lease& ended) {
  auto& of = *ended.origin_;
  --of.leases;
  --leases_;
  --counts_.busy;
  if (ended.keeps_) {
    const auto until = after(loop_.now(), idle_time_);
    of.idle.push_back(kept_.insert(kept_.end(), {std::move(ended.stream_), &of, until}));
    ++counts_.kept;
    if (next_expiry_.when() == never) next_expiry_.set(until);
  }
  if (of.capacity.wake_one()) ++of.promised;
  if (kept_.size() > kept_max_) close_oldest();
  forget_if_unused(of);
}

void http_connections::close_oldest() {
  auto& of = *kept_.front().from;
  // It is the oldest of its origin, too.
  assert(of.idle.front() == kept_.begin());
  of.idle.erase(of.idle.begin());
  kept_.pop_front();
  --counts_.kept;
  forget_if_unused(of);
}

void http_connections::close_expired() {
  while (!kept_.empty() && kept_.front().until <= loop_.now()) close_oldest();
  if (!kept_.empty()) next_expiry_.set(kept_.front().until);
}

void http_connections::forget_if_unused(origin& of) {
  if (of.leases != 0 || of.promised != 0 || !of.idle.empty() || of.capacity.waiting() != 0) return;
  origins_.erase(of.name);
}

}  // namespace millrace::network
