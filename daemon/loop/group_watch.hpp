#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

namespace millrace::loop {

/// What the processes of a group may use together; none: without a limit that is watched.
struct group_limits {
  std::optional<duration> cpu_max{};          ///< processor time, user and system
  std::optional<std::uint64_t> memory_max{};  ///< bytes of resident memory
  bool cpu_by_span{false};                    ///< `cpu_max` is for each span of the entry, not for the whole life
  /// The settings, for texts. They outlive the watch.
  std::string_view cpu_setting{"cpu_max"};
  std::string_view memory_setting{"memory_max"};

  [[nodiscard]] bool any() const noexcept { return cpu_max || memory_max; }
};

/// The limit that a group has exceeded.
struct exceeded_limit {
  enum class kind { cpu, memory };
  kind resource{kind::memory};
  std::uint64_t span{0};  ///< in which the processor time was used, where `cpu_by_span`
  /// With the process that uses most, the figure and the limit: `process 812 (python3) and its group use 310MiB of
  /// memory, more than memory_max (256MiB)`.
  std::string text;
};

/// Compares the use of process groups with their limits every `sample_every`, on a thread of its own, because it reads
/// the files of all processes in /proc. It sees resident memory and processor time of the processes that are in the
/// group; one that uses too much for a shorter time than that may pass unseen.
///
/// Owned by the `child_launcher`; loop thread only. The thread starts with the first group and sleeps while there is
/// none. The destructor joins it.
class group_watch {
 public:
  static constexpr duration sample_every = std::chrono::milliseconds{200};

  /// One watched group. The destructor ends the watch; then `on_exceeded` is not called any more.
  ///
  /// A span is a part of the life of the group, with a key of the owner. It counts from the first sample after its
  /// begin, so up to `sample_every` of its processor time is missed. Spans may overlap; each counts all of the time.
  class entry {
   public:
    entry() noexcept = default;
    entry(entry&& other) noexcept = default;
    entry& operator=(entry&& other) noexcept;
    ~entry() { end(); }

    /// No effect in an empty entry, or without `cpu_by_span`. Requires: no span with this key is open.
    void begin_span(std::uint64_t key);
    /// A span that has ended is not reported any more.
    void end_span(std::uint64_t key) noexcept;

   private:
    friend class group_watch;
    struct state;
    void end() noexcept;

    std::shared_ptr<state> state_;
  };

  explicit group_watch(event_loop& loop);
  ~group_watch();
  group_watch(const group_watch&) = delete;
  group_watch& operator=(const group_watch&) = delete;

  /// Calls `on_exceeded` on the loop, at most once, when the group exceeds one of `limits`. An error: the thread cannot
  /// be started.
  [[nodiscard]] result<entry> add(pid_t group, const group_limits& limits,
                                  std::function<void(const exceeded_limit&)> on_exceeded);

 private:
  struct parts;
  std::shared_ptr<parts> parts_;
};

}  // namespace millrace::loop
