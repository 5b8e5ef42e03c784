#pragma once

#include <initializer_list>
#include <memory>

#include <millrace/loop/event_loop.hpp>

namespace millrace::loop {

/// Signals of the process as awaitables. Once made, the named signals do nothing but arrive here; destroyed, they have
/// their old meaning again. Waiting for one keeps the loop running, not waiting does not.
///
/// Owned by the program's lifecycle; loop thread only; nobody may wait when it ends.
class signals {
 public:
  signals(event_loop& loop, std::initializer_list<int> numbers);
  ~signals();
  signals(const signals&) = delete;
  signals& operator=(const signals&) = delete;

  /// The next one's number. Signals that arrive while nobody waits are kept, in no particular order.
  awaitable<int> next();

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::loop
