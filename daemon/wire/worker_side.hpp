#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <millrace/base/ids.hpp>

#include "wire/worker_frame.hpp"

/// The other side of wire/worker_frame.hpp: what a worker process in C++ reads and writes.
namespace millrace::wire {

/// One line of the daemon.
struct worker_order {
  enum class kind : std::uint8_t {
    job,
    cancel,    ///< the answer for the job is not wanted any more
    malformed  ///< the line is neither: `text` says why
  };
  kind type{kind::malformed};
  job_id id{};
  std::string queue{};
  std::string handler{};
  std::uint32_t attempt{1};
  std::string text{};  ///< of a job: its body
};
/// Of one line, without its newline.
[[nodiscard]] worker_order parse_worker_order(std::string_view line);

/// Appends the line of an answer, with its newline. Requires: it is `done` or `failed`.
void append_worker_answer(std::string& to, const worker_message& answer);

}  // namespace millrace::wire
