#pragma once

#include <optional>
#include <string>

#include <millrace/base/result.hpp>
#include <millrace/loop/event_loop.hpp>

#include "loop/task_scope.hpp"

namespace millrace::tools {

/// The result of a task that succeeds. A named object, because an instrumented build of g++ 12 reports a success that
/// is made within a co_return as uninitialised.
inline const result<> all_well{};

/// Tasks that succeed together: the first failure cancels the others and is the result of the group. Owned by the
/// coroutine that joins it; loop thread only.
class task_group {
 public:
  explicit task_group(loop::event_loop& loop) : tasks_{loop} {}

  void spawn(std::string name, loop::awaitable<result<>> part);
  void fail(error failure);
  /// Cancels the tasks that still run. This is not a failure.
  void stop() { tasks_.cancel(); }
  loop::awaitable<result<>> join();

 private:
  static loop::awaitable<> watched(task_group& self, loop::awaitable<result<>> part);

  loop::task_scope tasks_;
  std::optional<error> failure_;
};

}  // namespace millrace::tools
