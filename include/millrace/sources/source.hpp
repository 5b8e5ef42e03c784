#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include <millrace/base/body.hpp>
#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/task.hpp>

namespace millrace::loop {
class event_loop;
}

namespace millrace::sources {

/// What a source has for its producer.
struct nothing_yet {};  ///< await `more()`, then ask again
struct no_more {};      ///< the source has ended
using next_body =
    std::variant<body, nothing_yet, no_more, error>;  ///< an error is counted and logged; the source may go on after it

/// How far a source was read: behind the last body that it gave. Two numbers, because one is stored with each job.
struct position {
  std::uint64_t place{0};     ///< in what the source counts (bytes, items …), at most 2^63-1
  std::uint64_t checksum{0};  ///< of all that precedes the place, to find out whether it has changed; 0 where it cannot
};

/// Where a source goes on.
enum class resumption {
  behind_position,
  from_start  ///< what was read is gone as it should be (a followed file was rotated): the source begins with what is there now
};

/// Where bodies come from. Belongs to one producer, on the loop. An exception ends the producer; it is logged and counted.
class source {
 public:
  virtual ~source() = default;

  /// The next body if there is one now. Never waits.
  virtual next_body next(instant now) = 0;
  /// When the next body is due, for a source with a schedule of its own; in the past: it is late. `never`: no schedule.
  /// Asked before `next`, for the metric of how late a producer is.
  [[nodiscard]] virtual instant due() const { return never; }
  /// Suspends until `next` may have something. Only awaited after `nothing_yet`. Cancelled when the program drains.
  virtual loop::awaitable<> more() = 0;
  /// True when it never says `no_more` by itself: `--until-idle` needs a limit then.
  [[nodiscard]] virtual bool endless() const = 0;

  // A position that outlives the process: optional. A source without one begins anew at each start. With one, each of its bodies is put exactly
  // once into a queue on disk, because the position is committed together with the job.

  /// Called once, before all else, by a producer that will store positions. False: there is none.
  virtual bool track_position() { return false; }
  /// The position behind the last body that `next` gave. Called after each body, so it is cheap. Requires: `track_position` answered true.
  [[nodiscard]] virtual position reached() const { return {}; }
  /// Goes on behind a position that an earlier source of this kind has reached. Called at most once, before the first `next`. An error: what
  /// precedes the position is not what it was, so that going on would leave out or repeat bodies; nothing is asked of the source any more.
  /// Cancelled when the program drains. Requires: `track_position` answered true.
  virtual loop::awaitable<result<resumption>> resume(position from);
};

struct surroundings {
  loop::event_loop& loop;
  int input_descriptor{0};  ///< standard input
};

}  // namespace millrace::sources
