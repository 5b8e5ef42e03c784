#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

namespace millrace::loop {

/// Runs calls that may block (reading a file or standard input, writing to a pipe that nobody reads) on a thread of its
/// own, one after another, in the order of `run`. A call that hangs in the operating system blocks this thread, never
/// the loop.
///
/// Owned by the object that needs the calls; loop thread only. While open it keeps the loop running. The owner closes
/// it, and destroys it when nobody waits in `run`. At most `calls_max` calls are handed to the thread; the others wait.
/// The constructor throws std::system_error when the thread cannot be started.
class io_thread {
 public:
  static constexpr std::size_t calls_max = 64;
  /// How long the destructor waits for a call that is running. Less than what counts as a stall of the loop.
  static constexpr duration patience = std::chrono::milliseconds{50};

  /// System tools show the first 15 characters of `name`.
  io_thread(event_loop& loop, const std::string& name);
  /// Closes if still open, and joins the thread. A call that does not return within `patience` is left behind: the
  /// thread is detached together with the data it uses, so that the program can end. Requires: nobody waits in `run`.
  ~io_thread();
  io_thread(const io_thread&) = delete;
  io_thread& operator=(const io_thread&) = delete;

  /// Runs `call` on the thread and returns its result. An exception of `call` becomes an `io` error. When the task is
  /// cancelled, throws operation_aborted at once; a call that has begun goes on. Requires: `call` owns the data it
  /// uses.
  awaitable<result<std::string>> run(std::function<result<std::string>()> call);
  /// Runs `call` on the thread when those before it have returned; nobody waits for the result. Has no effect when the
  /// thread is closed. A call that has not begun when this object is destroyed is left out. Requires: as for `run`.
  void post(std::function<result<std::string>()> call);
  /// Accepts no more calls: calls that are not handed to the thread yet and later ones get a `cancelled` error. Calls
  /// on the thread end as usual. Lets the loop end.
  void close();
  /// The destructor leaves a call that is running behind at once.
  void abandon_call() noexcept;
  /// A call runs, or one is handed to the thread. False: the destructor returns without waiting.
  [[nodiscard]] bool busy() const;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::loop
