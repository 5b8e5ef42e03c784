#pragma once

#include <memory>

#include "engine/core.hpp"

/// What meets a full queue: a put, or an output of a finish.
namespace millrace::engine {

enum class room {
  free,         ///< it fits
  after_drops,  ///< it fits once the jobs longest ready are dropped
  later,        ///< it has to stand in line
  none          ///< it is refused
};

/// `first_in_line`: whoever asks stands first in the line of `into` (or makes the room itself), so that the line does not hold it.
[[nodiscard]] room room_in(const queue& into, const demand& what, bool first_in_line);
/// Drops jobs longest ready until it fits.
void make_room(core& all, queue& in, const demand& what);

put_answer put(core& all, session& who, queue& into, put_request&& what);
bool withdraw_put(core& all, session& who);

/// Puts `it` at the end of the line.
waiting_one* stand_in_line(queue& at, std::unique_ptr<waiting_one> it);

/// Ends a command: who waited for room that came free gets it, in the order in which it came free; a queue that nothing
/// holds any more goes.
void settle_all(core& all);
inline void settle(core& all) {
  if (!all.unsettled.empty()) settle_all(all);
}

}  // namespace millrace::engine
