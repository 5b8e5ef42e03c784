#include "loop/mailbox.hpp"

#include <atomic>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/require.hpp>
#include <cassert>
#include <cstddef>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "loop/loop_core.hpp"

namespace millrace::loop {

namespace {

/// Room for the one handler that can be on its way, so that ringing allocates nothing.
struct handler_room {
  static constexpr std::size_t bytes = 128;
  alignas(std::max_align_t) std::byte memory[bytes];
};

template <class T>
struct room_allocator {
  using value_type = T;

  explicit room_allocator(handler_room& in) noexcept : room{&in} {}
  template <class U>
  explicit room_allocator(const room_allocator<U>& other) noexcept : room{other.room} {}

  T* allocate(std::size_t count) {
    static_assert(sizeof(T) <= handler_room::bytes && alignof(T) <= alignof(std::max_align_t));
    if (count != 1) throw std::bad_alloc{};
    return reinterpret_cast<T*>(room->memory);
  }
  void deallocate(T*, std::size_t) noexcept {}

  template <class U>
  friend bool operator==(const room_allocator& a, const room_allocator<U>& b) noexcept {
    return a.room == b.room;
  }

  handler_room* room;
};

}  // namespace

struct mailbox::parts {
  parts(loop_core& in, std::function<void()> what) : core{in}, deliver{std::move(what)} {}

  using open_executor =
      std::decay_t<boost::asio::require_result<executor::inner_executor,
                                               boost::asio::execution::outstanding_work_t::tracked_t>::type>;

  loop_core& core;
  std::function<void()> deliver;
  std::optional<open_executor> open{
      boost::asio::require(core.context.get_executor(), boost::asio::execution::outstanding_work.tracked)};
  executor::inner_executor where{core.context.get_executor()};  // `open` is the loop's, this one is read by all
  std::atomic<bool> pending{false};
  bool expected{false};
  handler_room room;

  /// Carries the parts, so that a delivery which is still on its way when the mailbox ends finds them.
  struct delivery {
    using allocator_type = room_allocator<void>;

    [[nodiscard]] allocator_type get_allocator() const noexcept;
    void operator()() const {
      // Cleared first: what is left while we deliver rings again.
      its->pending.exchange(false, std::memory_order_acq_rel);
      its->core.mail_came.store(false, std::memory_order_relaxed);
      if (!its->open) return;
      const std::shared_ptr<parts> stays = its;
      resumption noted{its->core.tasks.loop_itself()};
      its->deliver();
    }

    std::shared_ptr<parts> its;
  };
};

mailbox::parts::delivery::allocator_type mailbox::parts::delivery::get_allocator() const noexcept {
  return room_allocator<void>{its->room};
}

mailbox::mailbox(event_loop& loop, std::function<void()> deliver)
    : parts_{std::make_shared<parts>(loop.core(), std::move(deliver))} {}

mailbox::~mailbox() {
  if (parts_->open) close();
}

void mailbox::ring() noexcept {
  if (parts_->pending.exchange(true, std::memory_order_acq_rel)) return;
  boost::asio::post(parts_->where, parts::delivery{parts_});
  parts_->core.mail_came.store(true, std::memory_order_release);
}

void mailbox::expect_soon(bool on) noexcept {
  if (on == std::exchange(parts_->expected, on)) return;
  parts_->core.mail_expected += on ? 1 : -1;
}

void mailbox::close() {
  assert(parts_->core.on_loop_thread());
  expect_soon(false);
  parts_->open.reset();
}

}  // namespace millrace::loop
