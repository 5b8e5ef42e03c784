#include "offload/worker_answer.hpp"

#include <utility>

namespace millrace::offload {

worker_answer answer_of(wire::worker_message&& message) {
  using kind = worker_answer::kind;
  using wire::worker_failure;
  using wire::worker_message;
  using wire::worker_retry;
  const auto type = message.type == worker_message::kind::done       ? kind::done
                    : message.failure == worker_failure::over_limit  ? kind::over_limit
                    : message.failure == worker_failure::interrupted ? kind::interrupted
                    : message.retry == worker_retry::as_set          ? kind::failed
                    : message.retry == worker_retry::never           ? kind::rejected
                                                                     : kind::later;
  return {.type = type,
          .result = std::move(message.result),
          .text = std::move(message.text),
          .wait = message.wait,
          .work = message.work};
}

}  // namespace millrace::offload
