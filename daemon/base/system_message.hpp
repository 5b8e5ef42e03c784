#pragma once

#include <exception>
#include <string>

#include <millrace/base/result.hpp>

namespace millrace {

/// The text of an `errno`. When a limit of the process or of the system caused it, the text names the limit, its
/// present value and how to raise it: "Too many open files (the limit is 10: raise it with ulimit -n or LimitNOFILE=)".
[[nodiscard]] std::string system_message(int error_number);

/// The text of an exception that ended a construction. The same limits are named, and those of threads and epoll.
/// Requires: the exception did not come from reading or writing a file; EAGAIN is taken for a thread that could not be
/// started.
[[nodiscard]] std::string message_of(const std::exception& failure);

/// Returns the result of `action`. An exception becomes an error with the text of `message_of`.
template <class Action>
auto without_exceptions(const Action& action) -> decltype(action()) {
  try {
    return action();
  } catch (const std::exception& failure) {
    return error{errc::io, message_of(failure)};
  }
}

}  // namespace millrace
