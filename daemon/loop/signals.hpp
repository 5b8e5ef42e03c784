#pragma once

#include <initializer_list>
#include <memory>

#include <millrace/loop/event_loop.hpp>

namespace millrace::loop {

/// Signals of the process as awaitables. While this object lives, the named signals only arrive here; afterwards they
/// have their former effect. A task that waits for a signal keeps the loop running.
///
/// Owned by the program's lifecycle; loop thread only. Requires: nobody waits when it is destroyed.
class signals {
 public:
  signals(event_loop& loop, std::initializer_list<int> numbers);
  ~signals();
  signals(const signals&) = delete;
  signals& operator=(const signals&) = delete;

  /// The number of the next signal. Signals that arrive while nobody waits are kept, in no particular order.
  awaitable<int> next();

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::loop
