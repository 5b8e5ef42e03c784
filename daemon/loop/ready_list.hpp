#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>

namespace millrace::loop {

/// Something that the loop resumes. Owned by the code that suspended; `resume` may destroy it.
class ready_entry {
 public:
  virtual ~ready_entry() = default;
  virtual void resume() = 0;

 private:
  friend class ready_list;
  ready_entry* next_{nullptr};
};

/// The entries that are ready to continue, in the order in which they became ready. One handler of the io_context
/// resumes many of them, so that a wake-up inside the loop costs no system call and no allocation. Owned by the
/// `loop_core`; loop thread only.
class ready_list {
 public:
  /// Resumptions in a row before sockets and timers are handled.
  static constexpr std::size_t resumptions_in_a_row = 64;

  explicit ready_list(boost::asio::io_context& context) noexcept : context_{context} {}

  /// `entry` resumes in a later handler, in this turn or the next one, never inside this call.
  void push(ready_entry& entry);
  /// `entry` resumes in the next turn, after everything that is ready now, including sockets and deadlines.
  void push_behind(ready_entry& entry);
  /// Resumptions since the start.
  [[nodiscard]] std::uint64_t resumed() const noexcept { return resumed_; }
  /// True when an entry waits for the next turn.
  [[nodiscard]] bool wants_turn() const noexcept { return behind_.first != nullptr; }
  /// Starts a turn: the entries that wait for it become ready.
  void begin_turn();

 private:
  struct fifo {
    ready_entry* first{nullptr};
    ready_entry* last{nullptr};

    void push(ready_entry& entry) noexcept;
  };

  void drain();
  void post();

  boost::asio::io_context& context_;
  fifo ready_;
  fifo behind_;
  bool posted_{false};
  std::uint64_t resumed_{0};
};

}  // namespace millrace::loop
