#pragma once

#include <optional>
#include <string>

#include <millrace/base/result.hpp>
#include <millrace/loop/event_loop.hpp>

#include "loop/task_scope.hpp"

namespace millrace::tools {

/// What a task of it says in the end. Named, because g++ 12 takes a success that is made within a co_return for uninitialised once it is
/// instrumented.
inline const result<> all_well{};

/// Tasks that succeed together: the first failure cancels the others and is what comes of the whole. Owned by whoever joins it; loop thread.
class joint_work {
 public:
  explicit joint_work(loop::event_loop& loop) : tasks_{loop} {}

  void spawn(std::string name, loop::awaitable<result<>> part);
  void fail(error why);
  /// The others are not needed any more: they are cancelled, and that is no failure.
  void stop() { tasks_.cancel(); }
  loop::awaitable<result<>> join();

 private:
  static loop::awaitable<> watched(joint_work& self, loop::awaitable<result<>> part);

  loop::task_scope tasks_;
  std::optional<error> failure_;
};

}  // namespace millrace::tools
