#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <millrace/base/body.hpp>
#include <millrace/base/ids.hpp>
#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/task.hpp>
#include <millrace/offload/computation.hpp>

namespace millrace::loop {
class event_loop;
class io_thread;
}  // namespace millrace::loop

namespace millrace::handlers {

/// The job a handler is given: a copy that shares the bytes.
struct job {
  job_id id{};
  body content;
  std::string_view queue;    ///< its name; lives as long as the program
  std::uint32_t attempt{1};  ///< 1 for the first time it is tried
};

/// What a handler made of a job. A value: the text that goes on to the consumer's `output` queue (none: the job's own body goes on unchanged).
/// An error: the job failed, and the text is kept with it.
using answer = result<std::optional<std::string>>;

/// Answers without waiting and within microseconds: it holds the loop meanwhile.
class quick_handler {
 public:
  virtual ~quick_handler() = default;
  virtual answer handle(const job& work) = 0;
};

/// Waits for something: a coroutine on the loop. Cancelled at its awaits when the job's timeout comes or the program drains for too long
/// (the await throws operation_aborted: let it through).
class waiting_handler {
 public:
  virtual ~waiting_handler() = default;
  virtual loop::awaitable<answer> handle(job work) = 0;
};

/// Computes: gives a computation, whose text goes on. Called on the loop; the steps run where `run_on` says.
class computing_handler {
 public:
  virtual ~computing_handler() = default;
  /// An error fails the job without computing (the body is no number, say).
  virtual result<std::unique_ptr<offload::computation>> begin(const job& work) = 0;
};

/// One handler serves all slots of a consumer; it is used on the loop only.
using handler =
    std::variant<std::unique_ptr<quick_handler>, std::unique_ptr<waiting_handler>, std::unique_ptr<computing_handler>>;

/// What a handler may use of the program. References outlive the handler.
struct surroundings {
  loop::event_loop& loop;
  loop::io_thread& standard_output;  ///< for writing to descriptor 1
  int output_descriptor{1};
};

}  // namespace millrace::handlers
