#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>
#include <cassert>
#include <optional>
#include <string_view>
#include <utility>

#include <millrace/loop/task.hpp>

#include "loop/loop_core.hpp"

namespace millrace::loop {

/// A suspended coroutine, as the primitives of the loop keep it. It lives in the frame of the await and is woken at
/// most once. It continues in a later handler of the loop, never inside `wake`. When its task is cancelled while it
/// waits, it leaves its queue. Once woken it is not cancelled any more, so that a wake-up is never lost.
class parked : public ready_entry {
 public:
  using handler =
      boost::asio::async_result<boost::asio::use_awaitable_t<executor>, void(boost::system::error_code)>::handler_type;

  explicit parked(loop_core& core) noexcept : core_{&core} {}
  /// Requires: `other` does not wait yet.
  parked(parked&& other) noexcept : ready_entry{}, core_{other.core_} { assert(!other.handler_); }
  parked& operator=(parked&&) = delete;

  void hold(handler&& suspended, std::string_view waits_for) {
    assert(core_->on_loop_thread());
    handler_.emplace(std::move(suspended));
    task_ = &core_->current();
    task_->waits_for = waits_for;
    if (core_->trace != nullptr) task_->wait_began = core_->now;
    auto slot = boost::asio::get_associated_cancellation_slot(*handler_);
    if (!slot.is_connected()) return;
    slot.assign([this](boost::asio::cancellation_type) {
      if (!woken_) cancelled();
    });
  }

  void wake() {
    assert(handler_ && !woken_);
    woken_ = true;
    core_->ready.push(*this);
  }
  /// Wakes it for the next turn, after everything that is ready now.
  void wake_behind() {
    assert(handler_ && !woken_);
    woken_ = true;
    core_->ready.push_behind(*this);
  }

 protected:
  /// Removes it from the structure it waits in, because it was cancelled.
  virtual void leave() noexcept = 0;
  /// Called when the task is cancelled while this waits.
  virtual void cancelled() {
    leave();
    answer_ = boost::asio::error::operation_aborted;
    wake();
  }

 private:
  void resume() final {
    if (core_->trace != nullptr) core_->note_wait_ended(*task_);
    resumption noted{*task_};
    // The call destroys this object.
    handler waiting{std::move(*handler_)};
    const boost::system::error_code answer = answer_;
    waiting(answer);
  }

  loop_core* core_;
  task_record* task_{nullptr};
  std::optional<handler> handler_;
  boost::system::error_code answer_;
  bool woken_{false};
};

/// Suspends the calling coroutine as `Waiter`, a `parked` that is callable with its handler.
template <class Waiter>
awaitable<> park(Waiter waiter) {
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<executor>, void(boost::system::error_code)>(
      std::move(waiter), use_awaitable);
}

}  // namespace millrace::loop
