#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <millrace/base/body.hpp>
#include <millrace/base/ids.hpp>
#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/task.hpp>
#include <millrace/offload/computation.hpp>

namespace millrace::loop {
class child_launcher;
class event_loop;
class io_thread;
}  // namespace millrace::loop

namespace millrace::network {
struct http_client_counts;
}

namespace millrace::offload {
class worker_host;
}

namespace millrace::handlers {

/// The progress of a job through the steps of its consumer. For templates.
struct step_facts {
  body content;             ///< of the job, as it was put
  std::uint64_t round{1};   ///< of `repeat`, from 1
  std::uint64_t rounds{1};  ///< in all
  duration elapsed{0};      ///< from the begin of the attempt to the begin of this step
};

/// The job that a handler gets: a copy that shares the bytes of the body.
struct job {
  job_id id{};
  body content;                      ///< of a job in steps: what the step before gave
  std::string_view queue;            ///< name of the queue; valid as long as the program runs
  std::uint32_t attempt{1};          ///< times that the job was handed out, this one included
  const step_facts* steps{nullptr};  ///< null: its consumer has one handler. Valid until the handler has answered.
};

/// What a handler says of its job, one of six. A text, `std::nullopt`, an `error` or a `result` converts to it.
/// - A value: the job is done. The text is for the consumer's `output` queue; without a text the body goes there.
/// - An error: the attempt failed. The job is tried again where `retry` allows it. The text is kept with the job.
/// - `over_limit`: an error, too; the job used more memory, processor time or output than its handler allows. Its
///   reason is `limit`.
/// - An error with the code `rejected` (see `rejected()`): the job failed for good, without another attempt.
/// - `later`: the job comes again after a time. That is no failure. A job may do so 1,000 times, and never beyond
///   `within` of its `retry`; once more is a failure.
/// - `interrupted`: what worked on the job (a process, another machine) ended without an answer. That is no failure.
///   The job is ready again, or undeliverable after `deliveries_max` interruptions (3 where its queue says nothing).
///   The text is kept with the job.
/// A value that its attempt owns; one thread at a time.
class answer : public result<std::optional<std::string>> {
 public:
  using value_or_error = millrace::result<std::optional<std::string>>;
  using value_or_error::value_or_error;
  // NOLINTNEXTLINE(google-explicit-constructor): handlers return results
  answer(value_or_error from) : value_or_error{std::move(from)} {}

  /// `wait`: at least 0; more than ten years count as ten years.
  [[nodiscard]] static answer later(duration wait) {
    answer made{millrace::error{errc::refused, "the handler wants the job again later"}};
    made.later_ = wait;
    return made;
  }
  /// The text names the limit, the figure and the process.
  [[nodiscard]] static answer over_limit(std::string text) {
    answer made{millrace::error{errc::out_of_range, std::move(text)}};
    made.over_limit_ = true;
    return made;
  }
  [[nodiscard]] bool is_over_limit() const noexcept { return over_limit_; }
  [[nodiscard]] static answer interrupted(std::string text) {
    answer made{millrace::error{errc::cancelled, std::move(text)}};
    made.interrupted_ = true;
    return made;
  }
  /// The wait of `later`; nullopt for the others.
  [[nodiscard]] std::optional<duration> later_after() const noexcept { return later_; }
  [[nodiscard]] bool is_interrupted() const noexcept { return interrupted_; }
  // Of an answer that is neither `later` nor `interrupted`, `has_value` tells done from failed.

 private:
  std::optional<duration> later_;
  bool over_limit_{false};
  bool interrupted_{false};
};

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
  /// After each reload of the settings (SIGHUP, `millrace reload`), also one that was refused: a handler that keeps
  /// files open opens them again for its next job, because another program may have moved them.
  virtual void reopen_files() {}
  /// Other processes work on its jobs. If the daemon is killed meanwhile, that is an interruption of a job on disk.
  [[nodiscard]] virtual bool uses_processes() const noexcept { return false; }
};

/// Begins a computation, whose text is the result. `begin` is called on the loop; the steps run where `run_on` says.
class computing_handler {
 public:
  virtual ~computing_handler() = default;
  /// An error is the answer, without a computation, for instance when the body is no number.
  virtual result<std::unique_ptr<offload::computation>> begin(const job& work) = 0;
  /// Makes the answer from the result of the computation. Called on the loop. By default, the answer is that result.
  virtual answer conclude(const job&, result<std::string>&& computed) { return answer{std::move(computed)}; }
};

/// One handler serves all slots of a consumer. Loop thread only. It is destroyed on the loop when the last job of its
/// consumer has ended. Its destructor gives up whatever would keep the loop running: deadlines, I/O threads.
using handler =
    std::variant<std::unique_ptr<quick_handler>, std::unique_ptr<waiting_handler>, std::unique_ptr<computing_handler>>;

/// What a consumer has done since the program began.
struct consumer_totals {
  std::string_view name;  ///< valid until the next turn of the loop
  std::uint64_t done{0};
  std::uint64_t failed{0};  ///< for the last time, timeouts included
};

/// The parts of the program that a handler may use. The references outlive the handler.
struct handler_context {
  loop::event_loop& loop;
  loop::io_thread& standard_output;  ///< for writing to `output_descriptor`
  int output_descriptor{1};
  loop::child_launcher* children{nullptr};  ///< for handlers that run programs; never null in the daemon
  offload::worker_host* workers{nullptr};   ///< for handlers with long-lived processes; never null in the daemon
  network::http_client_counts* http_clients{nullptr};      ///< of all handlers; never null in the daemon
  std::function<std::vector<consumer_totals>()> totals{};  ///< of all consumers; set by the workload
};

}  // namespace millrace::handlers
