#include "network/readiness.hpp"

#include <array>
#include <cassert>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <sys/epoll.h>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

namespace millrace::network {

using boost::system::error_code;
using epoll_descriptor = boost::asio::posix::basic_stream_descriptor<loop::executor>;

namespace {

constexpr std::uint32_t always = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET;

error_code last_error() noexcept { return {errno, boost::system::system_category()}; }

int new_epoll() {
  const int made = ::epoll_create1(EPOLL_CLOEXEC);
  if (made < 0) throw boost::system::system_error{last_error(), "epoll_create1"};
  return made;
}

ready_events events_of(std::uint32_t events) noexcept {
  const bool hung_up = (events & (EPOLLERR | EPOLLHUP)) != 0;
  return {.readable = hung_up || (events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP)) != 0,
          .urgent = (events & EPOLLPRI) != 0,
          .writable = hung_up || (events & EPOLLOUT) != 0,
          .peer_shutdown = (events & EPOLLRDHUP) != 0,
          .hung_up = hung_up};
}

}  // namespace

struct readiness::parts {
  explicit parts(loop::event_loop& in) : loop{in}, own{in.get_executor(), new_epoll()} {}

  static void wait(const std::shared_ptr<parts>& all);
  static void notify_all(const std::shared_ptr<parts>& all, std::uint64_t number);
  void notify();
  error_code control(int operation, int descriptor, std::uint32_t events, readiness_listener& listener) noexcept;

  loop::event_loop& loop;
  epoll_descriptor own;
  std::array<epoll_event, events_per_turn> found{};
  std::span<epoll_event> pending;  ///< of `found`
  std::size_t watched{0};
  std::uint64_t waits{0};  ///< number of the current wait, so that a cancelled one is not taken for a later one
};

readiness::readiness(loop::event_loop& loop) : parts_{std::make_shared<parts>(loop)} {}

readiness::~readiness() { assert(parts_->watched == 0); }

error_code readiness::add(int descriptor, readiness_listener& listener) {
  if (const auto failure = parts_->control(EPOLL_CTL_ADD, descriptor, always, listener)) return failure;
  if (parts_->watched++ == 0) parts::wait(parts_);
  return {};
}

void readiness::watch_writable(int descriptor, readiness_listener& listener) {
  // Cannot fail: it changes an entry that exists.
  [[maybe_unused]] const auto failure = parts_->control(EPOLL_CTL_MOD, descriptor, always | EPOLLOUT, listener);
  assert(!failure);
}

void readiness::announce_again(int descriptor, readiness_listener& listener) {
  // The system compares the state with the entry anew. Cannot fail, as above.
  [[maybe_unused]] const auto failure = parts_->control(EPOLL_CTL_MOD, descriptor, always, listener);
  assert(!failure);
}

void readiness::remove(int descriptor, readiness_listener& listener) noexcept {
  auto& p = *parts_;
  [[maybe_unused]] const auto failure = p.control(EPOLL_CTL_DEL, descriptor, 0, listener);
  assert(!failure && p.watched > 0);
  for (auto& event : p.pending)
    if (event.data.ptr == &listener) event.data.ptr = nullptr;
  if (--p.watched > 0) return;
  ++p.waits;
  error_code ignored;
  p.own.cancel(ignored);
}

error_code readiness::parts::control(int operation, int descriptor, std::uint32_t events,
                                     readiness_listener& listener) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &listener;
  return ::epoll_ctl(own.native_handle(), operation, descriptor, &event) == 0 ? error_code{} : last_error();
}

void readiness::parts::wait(const std::shared_ptr<parts>& all) {
  all->own.async_wait(
      epoll_descriptor::wait_read, [weak = std::weak_ptr{all}, number = ++all->waits](const error_code&) {
        const auto self = weak.lock();
        if (!self || self->waits != number) return;
        const int count = ::epoll_wait(self->own.native_handle(), self->found.data(), events_per_turn, 0);
        self->pending = std::span{self->found}.first(static_cast<std::size_t>(count < 0 ? 0 : count));
        notify_all(self, number);
      });
}

/// Calls the pending listeners; after `turn_max` it continues when the loop has served deadlines and others.
void readiness::parts::notify_all(const std::shared_ptr<parts>& all, std::uint64_t number) {
  all->notify();
  // A listener may remove the last socket and add a new one.
  if (all->waits != number) return;
  if (all->pending.empty()) return wait(all);
  boost::asio::post(all->own.get_executor(), [weak = std::weak_ptr{all}, number] {
    const auto self = weak.lock();
    if (self && self->waits == number) notify_all(self, number);
  });
}

void readiness::parts::notify() {
  const instant end_of_turn = after(loop.refresh_now(), turn_max);
  while (!pending.empty() && loop.refresh_now() < end_of_turn) {
    const epoll_event next = pending.front();
    pending = pending.subspan(1);
    if (next.data.ptr != nullptr) static_cast<readiness_listener*>(next.data.ptr)->on_ready(events_of(next.events));
  }
}

}  // namespace millrace::network
