#pragma once

#include <string>

#include <millrace/base/result.hpp>

namespace millrace::offload {

enum class progress { more, done };

/// CPU-bound work in steps. The same computation can run on the loop, one step a turn, or on a worker thread, which
/// runs step after step and checks between them whether to stop. Used by one thread at a time; owned by the pool or the
/// coroutine that runs it.
class computation {
 public:
  virtual ~computation() = default;

  /// Does a bounded amount of work, at most about 5 ms, so that the loop stays responsive and a stop takes effect soon.
  /// Not called again after `done`. An exception fails only this job; its `what()` becomes the error.
  virtual progress step() = 0;
  /// The result, or an error with any code. Called once. Requires: `step` has returned `done`.
  virtual result<std::string> take_result() = 0;
};

}  // namespace millrace::offload
