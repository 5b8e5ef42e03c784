#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <millrace/base/time.hpp>
#include <millrace/handlers/handler.hpp>
#include <millrace/loop/event_loop.hpp>

#include "workload/attempt.hpp"

namespace millrace::workload {

/// What a consumer does with a job in one attempt: one handler, or several steps one after another, `repeat` times.
/// Each step gets what the step before gave, the first one the body; a step that gives nothing passes on what it got.
/// The last result is that of the job.
///
/// The first step that is not done ends the attempt with its answer, whose text names the step. One timeout bounds all
/// steps, and a cancellation ends the attempt within a step or between two. Other tasks get a turn after
/// `quick_steps_per_turn` quick steps, and between two steps of which one is not quick: such a step may end without
/// suspending.
///
/// Owned by the consumer, shared by its slots, on the loop.
class steps {
 public:
  static constexpr unsigned quick_steps_per_turn = 64;

  struct step {
    attempts handler;
    std::string kind;  ///< the name of its handler
  };
  /// Requires: there is a step, and all have the same timeout.
  steps(loop::event_loop& loop, std::vector<step> all, std::uint32_t repeat);

  /// One quick handler: use `run_now`.
  [[nodiscard]] bool quick() const noexcept { return is_single() && all_.front().handler.quick(); }
  [[nodiscard]] attempt_result run_now(const handlers::job& work) { return all_.front().handler.run_now(work); }
  /// Else; as `attempts::run`. Throws only where the task was cancelled.
  loop::awaitable<attempt_result> run(handlers::job work);
  loop::awaitable<> copy_on_thread(attempt_result& attempt) { return all_.front().handler.copy_on_thread(attempt); }
  [[nodiscard]] const std::optional<duration>& timeout() const noexcept { return all_.front().handler.timeout(); }
  /// The longest of all handlers.
  [[nodiscard]] duration cancellation_length() const noexcept;
  [[nodiscard]] attempt_result too_late() const { return all_.front().handler.too_late(); }
  void reopen_files();
  /// Other processes work on the jobs, in one step at least.
  [[nodiscard]] bool uses_processes() const noexcept;
  /// Destroys the handlers. Requires: no attempt is in progress, and none follows.
  void release_handlers() noexcept;

 private:
  [[nodiscard]] bool is_single() const noexcept { return all_.size() == 1 && repeat_ == 1; }
  loop::awaitable<attempt_result> run_all(handlers::job work, instant deadline);
  loop::awaitable<attempt_result> run_one(step& one, const handlers::job& work, instant deadline);
  [[nodiscard]] std::string name_of(std::size_t index, std::uint64_t round) const;

  loop::event_loop& loop_;
  std::vector<step> all_;
  std::uint32_t repeat_;
};

}  // namespace millrace::workload
