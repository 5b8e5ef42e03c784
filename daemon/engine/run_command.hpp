#pragma once

#include <cassert>

#include "engine/admission.hpp"
#include "engine/core.hpp"
#include "engine/due.hpp"

/// What the commands of the engine share, whichever file they are in.
namespace millrace::engine {

/// Runs a command: first does what is due, so that no command finds a job whose lease is over; at last admits requests
/// that waited for capacity. Requires: `now` is not before that of the last command (asserted).
template <class Command>
auto run_command(core& core, instant now, Command command) {
  assert(core.now <= now);
  core.now = now;
  if (core.due.first_due() <= now) {
    do_what_is_due(core);
    end_command(core);
  }
  auto answer = command();
  end_command(core);
  return answer;
}

/// Runs a command that is not handed the time.
template <class Command>
auto run_command(core& core, Command command) {
  auto answer = command();
  end_command(core);
  return answer;
}

}  // namespace millrace::engine
