#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cassert>
#include <cstddef>
#include <thread>

#include <millrace/base/time.hpp>

#include "loop/deadline_heap.hpp"
#include "loop/ready_list.hpp"
#include "loop/task_list.hpp"

namespace millrace::loop {

class trace_recorder;

/// The state of an `event_loop` that the primitives of the loop share. Owned by the event_loop; loop thread only.
struct loop_core {
  /// Other threads only post: descriptors and timers belong to the loop's thread and need no locks.
  boost::asio::io_context context{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  turn_notes turn;
  task_list tasks{turn};
  ready_list ready{context};
  deadline_heap deadlines;
  instant now{};
  trace_recorder* trace{nullptr};  ///< null: no trace runs
  /// Mailboxes that expect a ring within microseconds: the loop polls for it before it blocks.
  std::size_t mail_expected{0};
  std::atomic<bool> mail_rang{false};  ///< only a hint: each ring is delivered in any case
  std::thread::id owner{std::this_thread::get_id()};

  [[nodiscard]] bool on_loop_thread() const noexcept { return std::this_thread::get_id() == owner; }
  /// True inside a handler of the io_context.
  [[nodiscard]] bool inside() noexcept { return context.get_executor().running_in_this_thread(); }

  [[nodiscard]] task_record& current() noexcept {
    const task_notes* const running = turn.current.load(std::memory_order_relaxed);
    return running == nullptr ? tasks.loop_itself()
                              : const_cast<task_record&>(static_cast<const task_record&>(*running));
  }

  /// Cancels a task. A task that has not started yet never starts.
  void cancel(task_record& task);
  /// Requires: a trace runs.
  void note_wait_ended(task_record& task);

 private:
  void emit_stop(task_record& task);
};

}  // namespace millrace::loop
