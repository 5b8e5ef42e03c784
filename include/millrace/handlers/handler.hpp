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

/// The job that a handler gets: a copy that shares the bytes of the body.
struct job {
  job_id id{};
  body content;
  std::string_view queue;    ///< name of the queue; valid as long as the program runs
  std::uint32_t attempt{1};  ///< 1 for the first attempt
};

/// The result of a handler. A value is the text for the consumer's `output` queue; without a text the body of the job
/// goes there unchanged. An error fails the job, and its text is kept with the job.
using answer = result<std::optional<std::string>>;

/// Answers without waiting. It blocks the loop meanwhile, so it must return within microseconds.
class quick_handler {
 public:
  virtual ~quick_handler() = default;
  virtual answer handle(const job& work) = 0;
};

/// A coroutine on the loop. It is cancelled when the job times out or a drain takes too long: then its `co_await`
/// throws operation_aborted. Let that exception pass.
class waiting_handler {
 public:
  virtual ~waiting_handler() = default;
  virtual loop::awaitable<answer> handle(job work) = 0;
};

/// Begins a computation, whose text is the result. `begin` is called on the loop; the steps run where `run_on` says.
class computing_handler {
 public:
  virtual ~computing_handler() = default;
  /// An error fails the job without a computation, for instance when the body is no number.
  virtual result<std::unique_ptr<offload::computation>> begin(const job& work) = 0;
};

/// One handler serves all slots of a consumer. Loop thread only.
using handler =
    std::variant<std::unique_ptr<quick_handler>, std::unique_ptr<waiting_handler>, std::unique_ptr<computing_handler>>;

/// The parts of the program that a handler may use. The references outlive the handler.
struct handler_context {
  loop::event_loop& loop;
  loop::io_thread& standard_output;  ///< for writing to descriptor 1
  int output_descriptor{1};
};

}  // namespace millrace::handlers
