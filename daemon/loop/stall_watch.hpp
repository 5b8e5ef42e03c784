#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <millrace/loop/event_loop.hpp>

namespace millrace::loop {

inline constexpr duration default_stall_threshold = std::chrono::milliseconds{100};
/// The most names in the list of stalls. Further ones are counted as `__other__`.
inline constexpr std::size_t stalled_names_max = 100;

struct stall_count {
  std::string task;
  std::uint64_t stalls;
  duration longest;
};

/// Reports the task that holds the loop longer than a threshold. A thread samples the current task eight times per
/// threshold and logs a stall *while it lasts*, so that a hang is reported too. Then it logs the functions that the
/// loop's thread is in (loop/stack_sample.hpp). The loop counts the stall and logs its length when it ends.
///
/// Owned by the program; created and destroyed on the loop's thread; at most one for a loop. The destructor stops the
/// thread at once.
class stall_watch {
 public:
  explicit stall_watch(event_loop& loop, duration threshold = default_stall_threshold);
  ~stall_watch();
  stall_watch(const stall_watch&) = delete;
  stall_watch& operator=(const stall_watch&) = delete;

  /// Loop thread: holds from now on, also for a stall that lasts. Requires: it is above zero.
  void set_threshold(duration threshold);
  /// Loop thread: stalls by name of task (the part of the name before '#').
  [[nodiscard]] std::vector<stall_count> stalls() const;
  /// Any thread: true while a reported stall lasts.
  [[nodiscard]] bool reporting() const noexcept;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::loop
