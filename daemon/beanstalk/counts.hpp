#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>
#include <utility>

#include <millrace/base/counters.hpp>
#include <millrace/base/time.hpp>

#include "loop/backpressure.hpp"
#include "wire/beanstalk_command.hpp"

namespace millrace::beanstalk {

/// Why a client is not read for a while.
enum class read_pause : std::uint8_t { unread_replies, write_backlog };
inline constexpr std::array<std::string_view, 2> read_pause_names{"unread_replies", "write_backlog"};

/// Counters of all connections together. Loop thread only.
struct session_counts {
  /// Commands whose arguments could be read (PROTOCOL.md §5).
  std::array<counter, wire::beanstalk_verb_count> commands;
  /// From the reading of a command to the writing of its reply, the time that it waits included.
  std::array<histogram, wire::beanstalk_verb_count> seconds;
  std::uint32_t producers{0};  ///< open connections that have sent a put
  std::uint32_t workers{0};    ///< open connections that have reserved
  std::uint32_t waiting{0};    ///< connections that wait in a reserve
  /// Memory held for all clients together: replies that are not written or are being built, puts that wait for
  /// capacity, and commands behind one that waits.
  std::uint64_t held_bytes{0};
  std::uint64_t finished_in_drain{0};  ///< jobs that their holders deleted, released or buried in the drain
  loop::backpressure unread;           ///< connections that are not read, for any `read_pause`
  std::array<counter, read_pause_names.size()> read_pauses;  ///< by `read_pause`

  [[nodiscard]] counter& command(wire::beanstalk_verb verb) noexcept { return commands[wire::index_of(verb)]; }
  [[nodiscard]] const counter& command(wire::beanstalk_verb verb) const noexcept {
    return commands[wire::index_of(verb)];
  }
};

/// Measures commands that are executed one after another and whose replies are written together: for each the time from
/// `begin` to `observe_written` is observed.
class reply_latency {
 public:
  void begin(instant now) noexcept { began_ = now; }
  void add(wire::beanstalk_verb verb) noexcept {
    const auto at = wire::index_of(verb);
    ++times_[at];
    verbs_ |= 1u << at;
  }
  void observe_written(session_counts& into, instant now) noexcept {
    for (; verbs_ != 0; verbs_ &= verbs_ - 1) {
      const auto at = static_cast<std::size_t>(std::countr_zero(verbs_));
      into.seconds[at].observe(now - began_, std::exchange(times_[at], 0));
    }
  }

 private:
  static_assert(wire::beanstalk_verb_count <= 32);

  std::array<std::uint32_t, wire::beanstalk_verb_count> times_{};
  std::uint32_t verbs_{0};  ///< one bit for each that has been added
  instant began_{};
};

}  // namespace millrace::beanstalk
