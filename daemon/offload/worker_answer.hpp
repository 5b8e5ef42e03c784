#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <millrace/base/time.hpp>

#include "wire/worker_frame.hpp"

namespace millrace::offload {

/// What became of a job that a worker process had.
struct worker_answer {
  enum class kind : std::uint8_t {
    done,
    failed,
    rejected,    ///< failed for good
    over_limit,  ///< it used more than a limit allows
    later,       ///< it wants to come again after `wait`
    interrupted  ///< its worker ended without an answer
  };
  kind type{kind::interrupted};
  std::optional<std::string> result{};  ///< of `done`
  std::string text{};                   ///< of all others: why
  duration wait{0};
  std::optional<duration> work{};  ///< how long the computation took, if the worker has said that
};

/// Requires: the message is `done` or `failed`.
[[nodiscard]] worker_answer answer_of(wire::worker_message&& message);

}  // namespace millrace::offload
