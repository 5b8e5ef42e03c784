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
using descriptor = boost::asio::posix::basic_stream_descriptor<loop::executor>;

namespace {

constexpr std::uint32_t always = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET;

error_code last_error() noexcept { return {errno, boost::system::system_category()}; }

int new_epoll() {
  const int made = ::epoll_create1(EPOLL_CLOEXEC);
  if (made < 0) throw boost::system::system_error{last_error(), "epoll_create1"};
  return made;
}

readiness_news news_of(std::uint32_t events) noexcept {
  const bool gone = (events & (EPOLLERR | EPOLLHUP)) != 0;
  return {.readable = gone || (events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP)) != 0,
          .urgent = (events & EPOLLPRI) != 0,
          .writable = gone || (events & EPOLLOUT) != 0,
          .said_all = (events & EPOLLRDHUP) != 0,
          .gone = gone};
}

}  // namespace

struct readiness::parts {
  explicit parts(loop::event_loop& in) : loop{in}, own{in.get_executor(), new_epoll()} {}

  static void wait(const std::shared_ptr<parts>& all);
  static void go_on(const std::shared_ptr<parts>& all, std::uint64_t number);
  void tell();
  error_code control(int operation, int which, std::uint32_t events, readiness_listener& owner) noexcept;

  loop::event_loop& loop;
  descriptor own;
  std::array<epoll_event, told_in_a_row> found{};
  std::span<epoll_event> untold;  ///< of what was found
  std::size_t watched{0};
  std::uint64_t waits{0};  ///< its number, so that one which was given up is not taken for a later one
};

readiness::readiness(loop::event_loop& loop) : parts_{std::make_shared<parts>(loop)} {}

readiness::~readiness() { assert(parts_->watched == 0); }

error_code readiness::add(int which, readiness_listener& owner) {
  if (const auto failure = parts_->control(EPOLL_CTL_ADD, which, always, owner)) return failure;
  if (parts_->watched++ == 0) parts::wait(parts_);
  return {};
}

void readiness::tell_writable(int which, readiness_listener& owner) {
  // Cannot fail: it changes what is there.
  [[maybe_unused]] const auto failure = parts_->control(EPOLL_CTL_MOD, which, always | EPOLLOUT, owner);
  assert(!failure);
}

void readiness::remove(int which, readiness_listener& owner) noexcept {
  auto& p = *parts_;
  [[maybe_unused]] const auto failure = p.control(EPOLL_CTL_DEL, which, 0, owner);
  assert(!failure && p.watched > 0);
  for (auto& event : p.untold)
    if (event.data.ptr == &owner) event.data.ptr = nullptr;
  if (--p.watched > 0) return;
  ++p.waits;
  error_code ignored;
  p.own.cancel(ignored);
}

error_code readiness::parts::control(int operation, int which, std::uint32_t events,
                                     readiness_listener& owner) noexcept {
  epoll_event what{};
  what.events = events;
  what.data.ptr = &owner;
  return ::epoll_ctl(own.native_handle(), operation, which, &what) == 0 ? error_code{} : last_error();
}

void readiness::parts::wait(const std::shared_ptr<parts>& all) {
  all->own.async_wait(descriptor::wait_read, [weak = std::weak_ptr{all}, number = ++all->waits](const error_code&) {
    const auto self = weak.lock();
    if (!self || self->waits != number) return;
    const int count = ::epoll_wait(self->own.native_handle(), self->found.data(), told_in_a_row, 0);
    self->untold = std::span{self->found}.first(static_cast<std::size_t>(count < 0 ? 0 : count));
    go_on(self, number);
  });
}

/// Tells those who are still to be told; what takes too long goes on when the loop has looked after deadlines and others.
void readiness::parts::go_on(const std::shared_ptr<parts>& all, std::uint64_t number) {
  all->tell();
  // Whoever is told may end the last one, and begin anew.
  if (all->waits != number) return;
  if (all->untold.empty()) return wait(all);
  boost::asio::post(all->own.get_executor(), [weak = std::weak_ptr{all}, number] {
    const auto self = weak.lock();
    if (self && self->waits == number) go_on(self, number);
  });
}

void readiness::parts::tell() {
  const instant enough = after(loop.refresh_now(), told_for);
  while (!untold.empty() && loop.refresh_now() < enough) {
    const epoll_event next = untold.front();
    untold = untold.subspan(1);
    if (next.data.ptr != nullptr) static_cast<readiness_listener*>(next.data.ptr)->told(news_of(next.events));
  }
}

}  // namespace millrace::network
