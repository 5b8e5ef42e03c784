#pragma once

#include <atomic>
#include <boost/asio/execution.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>
#include <cstdint>
#include <functional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace millrace::loop {

class task_notes;

/// The progress of the loop's thread. Owned and written by the loop; the stall watch reads the atomics on its thread.
struct turn_notes {
  std::atomic<const task_notes*> current{nullptr};  ///< the task that runs; null between two resumptions
  std::atomic<std::uint64_t> resumptions{0};  ///< rises with each one: the same number read twice means no progress
  std::atomic<bool> stall_reported{false};    ///< set by the watch, cleared when the reported resumption ends
  bool asleep{false};                         ///< the next resumption is the first after waiting
  std::function<void()> on_woken;             ///< reads the clock
  std::function<void()> on_stall_ended;       ///< counts the stall and logs its length
};

/// The part of a task's record that is written at each resumption. Records are reused, but not freed while the loop
/// lives: so a socket may outlive the task whose executor it was made with.
class task_notes {
 public:
  explicit task_notes(turn_notes& turn) noexcept : turn_{&turn} {}

  [[nodiscard]] turn_notes& turn() const noexcept { return *turn_; }

  std::string_view waits_for{};  ///< a string literal set by the primitive it waits in; empty: a system operation
  std::uint64_t turns{0};

 private:
  turn_notes* turn_;
};

/// Makes a task the current one for the lifetime of this object. Loop thread; nests.
class resumption {
 public:
  explicit resumption(task_notes& task) noexcept
      : turn_{task.turn()}, before_{turn_.current.load(std::memory_order_relaxed)} {
    if (turn_.asleep) turn_.on_woken();
    if (before_ == &task) return;
    turn_.resumptions.store(turn_.resumptions.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    turn_.current.store(&task, std::memory_order_relaxed);
    ++task.turns;
    task.waits_for = {};
  }
  ~resumption() {
    turn_.current.store(before_, std::memory_order_relaxed);
    if (turn_.stall_reported.load(std::memory_order_relaxed)) turn_.on_stall_ended();
  }
  resumption(const resumption&) = delete;
  resumption& operator=(const resumption&) = delete;

 private:
  turn_notes& turn_;
  const task_notes* before_;
};

/// The Asio executor of one task: runs on the loop's thread, and makes the task the current one around each resumption.
/// Two pointers, copied freely. A concrete type: no module uses `any_io_executor`.
///
/// It does not count outstanding work, so that no operation pays for it. A task keeps the loop running while it lives,
/// and system operations do so by themselves.
class executor {
 public:
  using inner_executor = boost::asio::io_context::executor_type;

  executor(const inner_executor& inner, task_notes& task) noexcept : inner_{inner}, task_{&task} {}

  [[nodiscard]] boost::asio::io_context& query(boost::asio::execution::context_t) const noexcept {
    return boost::asio::query(inner_, boost::asio::execution::context);
  }
  [[nodiscard]] boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t property) const noexcept {
    return boost::asio::query(inner_, property);
  }
  [[nodiscard]] boost::asio::execution::relationship_t query(
      boost::asio::execution::relationship_t property) const noexcept {
    return boost::asio::query(inner_, property);
  }
  [[nodiscard]] static constexpr boost::asio::execution::mapping_t query(boost::asio::execution::mapping_t) noexcept {
    return boost::asio::execution::mapping.thread;
  }

  [[nodiscard]] executor require(boost::asio::execution::blocking_t::possibly_t property) const {
    return {boost::asio::require(inner_, property), *task_};
  }
  [[nodiscard]] executor require(boost::asio::execution::blocking_t::never_t property) const {
    return {boost::asio::require(inner_, property), *task_};
  }
  [[nodiscard]] executor require(boost::asio::execution::relationship_t::fork_t property) const {
    return {boost::asio::require(inner_, property), *task_};
  }
  [[nodiscard]] executor require(boost::asio::execution::relationship_t::continuation_t property) const {
    return {boost::asio::require(inner_, property), *task_};
  }

  template <class Function>
  void execute(Function&& function) const {
    inner_.execute(noting<std::decay_t<Function>>{task_, std::forward<Function>(function)});
  }

  [[nodiscard]] task_notes& task() const noexcept { return *task_; }
  [[nodiscard]] const inner_executor& inner() const noexcept { return inner_; }

  friend bool operator==(const executor& a, const executor& b) noexcept {
    return a.inner_ == b.inner_ && a.task_ == b.task_;
  }
  friend bool operator!=(const executor& a, const executor& b) noexcept { return !(a == b); }

 private:
  template <class Function>
  struct noting {
    task_notes* task;
    Function function;

    void operator()() {
      resumption noted{*task};
      std::move(function)();
    }
  };

  inner_executor inner_;
  task_notes* task_;
};

}  // namespace millrace::loop
