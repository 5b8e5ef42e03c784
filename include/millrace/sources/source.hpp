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

/// Where bodies come from. Belongs to one producer, on the loop. An exception ends the producer; it is logged and counted.
class source {
 public:
  virtual ~source() = default;

  /// The next body if there is one now. Never waits.
  virtual next_body next(instant now) = 0;
  /// Suspends until `next` may have something. Only awaited after `nothing_yet`. Cancelled when the program drains.
  virtual loop::awaitable<> more() = 0;
  /// True when it never says `no_more` by itself: `--until-idle` needs a limit then.
  [[nodiscard]] virtual bool endless() const = 0;
};

struct surroundings {
  loop::event_loop& loop;
  int input_descriptor{0};  ///< standard input
};

}  // namespace millrace::sources
