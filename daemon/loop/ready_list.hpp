#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>

namespace millrace::loop {

/// Something that continues at the next turn. Belongs to whoever suspended; it may be gone when `resume` returns.
class ready_entry {
 public:
  virtual ~ready_entry() = default;
  virtual void resume() = 0;

 private:
  friend class ready_list;
  ready_entry* next_{nullptr};
};

/// What continues at the next turn, in the order in which it became ready. One handler of the io_context resumes many,
/// so that a wake-up inside the loop costs no system call and no allocation of its own.
class ready_list {
 public:
  /// Resumptions in a row before sockets and timers get their turn.
  static constexpr std::size_t resumptions_in_a_row = 64;

  explicit ready_list(boost::asio::io_context& context) noexcept : context_{context} {}

  void push(ready_entry& entry);
  /// Behind everything else that is ready, sockets and deadlines included: not before the next turn.
  void push_behind(ready_entry& entry);
  /// Resumptions since the beginning.
  [[nodiscard]] std::uint64_t resumed() const noexcept { return resumed_; }
  /// Somebody waits for the next turn.
  [[nodiscard]] bool wants_turn() const noexcept { return behind_.first != nullptr; }
  /// A turn begins: those that waited for it are ready.
  void begin_turn();

 private:
  struct line {
    ready_entry* first{nullptr};
    ready_entry* last{nullptr};

    void push(ready_entry& entry) noexcept;
  };

  void drain();
  void post();

  boost::asio::io_context& context_;
  line ready_;
  line behind_;
  bool posted_{false};
  std::uint64_t resumed_{0};
};

}  // namespace millrace::loop
