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

// The answers of `source::next`, besides a body.
struct nothing_yet {};  ///< await `more()`, then call `next` again
struct no_more {};      ///< the source has ended
/// An error is counted and logged. The source may continue after it.
using next_body = std::variant<body, nothing_yet, no_more, error>;

/// How far a source was read: behind the last body that it returned. Two numbers, so that it is cheap to store with
/// each job.
struct position {
  std::uint64_t place{0};     ///< in the unit of the source (bytes, items …), at most 2^63-1
  std::uint64_t checksum{0};  ///< of all that precedes `place`, to detect a change; 0 if it cannot change
};

/// Where a source continues after a restart.
enum class resumption {
  behind_position,
  from_start  ///< a followed file was rotated: the source begins with the present file
};

/// Produces bodies. Belongs to one producer; loop thread only. An exception ends the producer, and is logged and
/// counted.
class source {
 public:
  virtual ~source() = default;

  /// The next body, if there is one now. Does not wait.
  virtual next_body next(instant now) = 0;
  /// When the next body is due, for a source with a schedule of its own; in the past: it is late. `never`: no schedule.
  /// Asked before `next`, for the metric of how late a producer is.
  [[nodiscard]] virtual instant due() const { return never; }
  /// Suspends until `next` may have a body. Called only after `nothing_yet`. Cancelled when the program drains.
  virtual loop::awaitable<> more() = 0;
  /// True when the source never returns `no_more`. Then `--until-idle` needs a limit.
  [[nodiscard]] virtual bool endless() const = 0;

  // Optional: a position that outlives the process. A source without one begins anew at each start. With one, each body
  // is put exactly once into a queue on disk, because the position is committed together with the job.

  /// Called once, before every other function, by a producer that stores positions. False: the source has none.
  virtual bool track_position() { return false; }
  /// The position behind the last body that `next` returned. It must be cheap: it is called after each body. Requires:
  /// `track_position` returned true.
  [[nodiscard]] virtual position reached() const { return {}; }
  /// Continues behind a position that an earlier source of this kind reached. Called at most once, before the first
  /// `next`. An error means that the input before the position has changed, so that continuing would skip or repeat
  /// bodies; the source is not used after it. Cancelled when the program drains. Requires: `track_position` returned
  /// true.
  virtual loop::awaitable<result<resumption>> resume(position from);
};

/// The parts of the program that a source may use. The loop outlives the source.
struct source_context {
  loop::event_loop& loop;
  int input_descriptor{0};  ///< standard input
};

}  // namespace millrace::sources
