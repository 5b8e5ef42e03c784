#pragma once

#include <millrace/handlers/handler.hpp>

#include "offload/worker_answer.hpp"

namespace millrace::handlers {

/// What a worker process said of a job, as the answer of a handler.
[[nodiscard]] answer answer_of(offload::worker_answer&& said);

}  // namespace millrace::handlers
