#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <millrace/base/body.hpp>
#include <millrace/base/time.hpp>
#include <millrace/handlers/handler.hpp>
#include <millrace/loop/event_loop.hpp>

#include "engine/command.hpp"
#include "offload/run_on.hpp"
#include "offload/thread_pool.hpp"
#include "offload/work_length.hpp"
#include "offload/worker_pool.hpp"

namespace millrace::workload {

/// The result of running a job once.
struct attempt_result {
  engine::outcome outcome{engine::outcome::ok};
  std::string error_text;           ///< when it is not `ok`
  std::optional<std::string> text;  ///< goes on to the output queue; none: `content` or the job's own body does
  std::optional<body> content;      ///< a text that was too large to be copied on the loop
  bool in_group{false};             ///< its text is wanted for the outcome of a group, too
  bool is_final{false};             ///< of `failed`: another attempt is useless
  bool over_limit{false};           ///< of `failed`: it used more than a limit allows
  duration later_after{0};          ///< of `later`
};

/// Runs the jobs of one consumer through one handler, one attempt each: where `run_on` says, until `timeout` at most.
/// Whatever a handler returns or throws, with any code and any type, is the result of that attempt and nothing more.
///
/// The timeout is an entry in the loop's shared deadlines: a handler that waits is cancelled at its await, a
/// computation stops between two steps. In a process it also stops between two steps, but the attempt is over at once;
/// a process that goes on with it is ended by its pool. A quick handler is done before any timeout could come. The
/// outcome is `cancelled` only if the task itself was cancelled; then the next await of the task throws.
///
/// Work on a body or text of more than `offload::on_loop_bytes_max` is done on a thread, whatever `run_on` says.
///
/// Owned by the steps of the consumer (workload/steps.hpp), shared by its slots, on the loop.
class attempts {
 public:
  attempts(loop::event_loop& loop, offload::thread_pool& threads, handlers::handler handler,
           offload::execution_site run_on, std::optional<duration> timeout);

  /// Computations run in these processes, whatever `run_on` says. `handler_text` says what the handler is
  /// (handlers/computing_process.hpp). Requires: the pool outlives this object; the handler computes.
  void use_processes(offload::worker_pool& pool, std::string handler_text);

  /// Computations run where this says, whatever `run_on` says. Requires: the handler computes.
  void use_choice(std::unique_ptr<offload::site_choice> choice) { choice_ = std::move(choice); }

  /// Answers without suspending: use `run_now`.
  [[nodiscard]] bool quick() const noexcept { return quick_ != nullptr; }
  [[nodiscard]] attempt_result run_now(const handlers::job& work);
  /// For all other handlers, until `deadline` at most. When it returns, the handler has ended; if the result
  /// `needs_thread`, await `copy_on_thread` next.
  loop::awaitable<attempt_result> run(handlers::job work, instant deadline);
  /// Of an attempt that begins now.
  [[nodiscard]] instant deadline() const { return timeout_ ? after(loop_.now(), *timeout_) : never; }
  /// The text is too large to be copied into a body on the loop.
  [[nodiscard]] static bool needs_thread(const attempt_result& attempt) noexcept;
  loop::awaitable<> copy_on_thread(attempt_result& attempt);
  [[nodiscard]] const std::optional<duration>& timeout() const noexcept { return timeout_; }
  /// The time that the handler needs to end after its cancellation.
  [[nodiscard]] duration cancellation_length() const noexcept { return cancellation_length_; }
  /// The result of an attempt that did not end in time. Requires: there is a timeout.
  [[nodiscard]] attempt_result too_late() const;
  void reopen_files();
  /// Other processes work on the jobs.
  [[nodiscard]] bool uses_processes() const noexcept;
  /// Destroys the handler. Requires: no attempt is in progress, and none follows.
  void release_handler() noexcept;

 private:
  /// Of a handler that waits, and of a process.
  loop::awaitable<attempt_result> await(handlers::job work, instant deadline);
  loop::awaitable<attempt_result> compute(handlers::job work, instant deadline);
  loop::awaitable<handlers::answer> ask_process(handlers::job work);

  loop::event_loop& loop_;
  offload::thread_pool& threads_;
  handlers::handler handler_;
  handlers::quick_handler* quick_{nullptr};
  offload::execution_site run_on_;
  std::optional<duration> timeout_;
  duration cancellation_length_{0};
  std::unique_ptr<offload::site_choice> choice_;  ///< not null: `run_on: auto`
  offload::worker_pool* processes_{nullptr};      ///< not null: computations run there
  std::string handler_text_;
  offload::work_length length_;  ///< of computations in processes
};

}  // namespace millrace::workload
