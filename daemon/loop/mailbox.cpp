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

/// Memory for the one handler that can be pending, so that `ring` allocates nothing.
struct handler_memory {
  static constexpr std::size_t bytes = 128;
  alignas(std::max_align_t) std::byte data[bytes];
};

template <class T>
struct memory_allocator {
  using value_type = T;

  explicit memory_allocator(handler_memory& owned) noexcept : memory{&owned} {}
  template <class U>
  explicit memory_allocator(const memory_allocator<U>& other) noexcept : memory{other.memory} {}

  T* allocate(std::size_t count) {
    static_assert(sizeof(T) <= handler_memory::bytes && alignof(T) <= alignof(std::max_align_t));
    if (count != 1) throw std::bad_alloc{};
    return reinterpret_cast<T*>(memory->data);
  }
  void deallocate(T*, std::size_t) noexcept {}

  template <class U>
  friend bool operator==(const memory_allocator& a, const memory_allocator<U>& b) noexcept {
    return a.memory == b.memory;
  }

  handler_memory* memory;
};

}  // namespace

struct mailbox::parts {
  parts(loop_core& receiver, std::function<void()> on_ring_function)
      : core{receiver}, on_ring{std::move(on_ring_function)} {}

  using open_executor =
      std::decay_t<boost::asio::require_result<executor::inner_executor,
                                               boost::asio::execution::outstanding_work_t::tracked_t>::type>;

  loop_core& core;
  std::function<void()> on_ring;
  std::optional<open_executor> open{
      boost::asio::require(core.context.get_executor(), boost::asio::execution::outstanding_work.tracked)};
  executor::inner_executor target{core.context.get_executor()};  // for all threads; `open` is for the loop's thread
  std::atomic<bool> pending{false};
  bool expected{false};
  handler_memory memory;

  /// Keeps the parts alive for a delivery that is still pending when the mailbox is destroyed.
  struct delivery {
    using allocator_type = memory_allocator<void>;

    [[nodiscard]] allocator_type get_allocator() const noexcept;
    void operator()() const {
      // Cleared first, so that a ring during the delivery causes another delivery.
      owner->pending.exchange(false, std::memory_order_acq_rel);
      owner->core.mail_rang.store(false, std::memory_order_relaxed);
      if (!owner->open) return;
      const std::shared_ptr<parts> kept = owner;  // `on_ring` may destroy the mailbox
      resumption noted{kept->core.tasks.loop_itself()};
      kept->on_ring();
    }

    std::shared_ptr<parts> owner;
  };
};

mailbox::parts::delivery::allocator_type mailbox::parts::delivery::get_allocator() const noexcept {
  return memory_allocator<void>{owner->memory};
}

mailbox::mailbox(event_loop& loop, std::function<void()> on_ring)
    : parts_{std::make_shared<parts>(loop.core(), std::move(on_ring))} {}

mailbox::~mailbox() {
  if (parts_->open) close();
}

void mailbox::ring() noexcept {
  if (parts_->pending.exchange(true, std::memory_order_acq_rel)) return;
  boost::asio::post(parts_->target, parts::delivery{parts_});
  parts_->core.mail_rang.store(true, std::memory_order_release);
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
