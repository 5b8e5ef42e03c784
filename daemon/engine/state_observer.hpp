#pragma once

#include <optional>

#include <millrace/base/ids.hpp>

#include "engine/command.hpp"

namespace millrace::engine {

/// Is called with each state that a job enters, for a trace. Owned by the caller of the engine. No command may be given
/// from `on_state`.
class state_observer {
 public:
  virtual ~state_observer() = default;
  /// `state`: nullopt if the job is gone.
  virtual void on_state(job_id job, queue_id queue, std::optional<job_state> state) = 0;
};

}  // namespace millrace::engine
