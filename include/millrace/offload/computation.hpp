#pragma once

#include <string>

#include <millrace/base/result.hpp>

namespace millrace::offload {

enum class progress { more, done };

/// CPU-bound work cut into steps. The same computation runs on the loop (one step a turn, so that others get theirs) or on a worker thread
/// (steps back to back, looking at the stop token between them). Where it runs is not its concern: it sees one thread at a time.
class computation {
 public:
  /// How long a step should take at most, so that the loop stays live and a stop is soon noticed.
  static constexpr int step_milliseconds_wanted = 5;

  virtual ~computation() = default;

  /// Does a bounded slice. Not called again after `done`. An exception fails this job and nothing more; its `what()` is the error.
  virtual progress step() = 0;
  /// After `done`: the text that came out, or why it failed, with any code. Called once.
  virtual result<std::string> take_result() = 0;
};

}  // namespace millrace::offload
