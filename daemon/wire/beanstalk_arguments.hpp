#pragma once

#include "wire/beanstalk_command.hpp"

namespace millrace::wire {

/// Visits the arguments of `command` in the order in which they stand on the line, until a visit returns false. The
/// visitor has a function for each kind of argument: `job`, `priority`, `delay`, `ttr`, `timeout`, `bound`,
/// `body_bytes`, `tube`, and `last_tube`, behind which nothing may follow. So one list serves reading, writing and the
/// documentation.
template <class Command, class Visitor>
constexpr bool visit_arguments(argument_shape shape, Command& command, Visitor& visitor) {
  switch (shape) {
    case argument_shape::none:
      return true;
    case argument_shape::put:
      return visitor.priority(command.priority) && visitor.delay(command.delay) && visitor.ttr(command.ttr) &&
             visitor.body_bytes(command.count);
    case argument_shape::job:
      return visitor.job(command.job);
    case argument_shape::job_priority:
      return visitor.job(command.job) && visitor.priority(command.priority);
    case argument_shape::job_priority_delay:
      return visitor.job(command.job) && visitor.priority(command.priority) && visitor.delay(command.delay);
    case argument_shape::tube:
      return visitor.last_tube(command.tube);
    case argument_shape::tube_delay:
      return visitor.tube(command.tube) && visitor.delay(command.delay);
    case argument_shape::timeout:
      return visitor.timeout(command.count);
    case argument_shape::bound:
      return visitor.bound(command.count);
  }
  return false;
}

}  // namespace millrace::wire
