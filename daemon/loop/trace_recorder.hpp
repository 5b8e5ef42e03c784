#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/ids.hpp>
#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/deadline.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/io_thread.hpp>
#include <millrace/loop/wait_point.hpp>

#include "loop/trace_event.hpp"
#include "loop/trace_file.hpp"
#include "loop/trace_lane.hpp"
#include "loop/trace_stream.hpp"

namespace millrace::loop {

struct task_record;

/// Records what tasks wait for, what they and other threads work on, and the states of jobs, into a file
/// (loop/trace_file.hpp). One trace at a time, any number one after another.
///
/// While a trace runs, `loop_core::trace` points here, and the code that works calls the functions below "while a trace
/// runs". Otherwise the pointer is null and nobody calls. Times are those of the loop's clock.
///
/// A thread of its own formats and writes the events (loop/trace_stream.hpp); the loop never waits for it. A trace ends
/// by itself when its file is full or cannot be written. A trace that has ended keeps neither its file open nor memory.
///
/// Owned by the daemon; loop thread only. `close` ends the trace and the thread, which keep the loop running until
/// then. A begin that is in progress then is refused, and its file removed.
class trace_recorder {
 public:
  static constexpr std::uint32_t lanes_max = 10'000;  ///< further tasks, threads and processes are left out
  static constexpr std::uint64_t file_bytes_max = std::uint64_t{128} << 20;  ///< unless the request says more or less
  static constexpr std::uint64_t file_bytes_least = std::uint64_t{64} << 10;

  /// `on_begin` is called when a trace has begun.
  explicit trace_recorder(event_loop& loop, std::function<void()> on_begin = {});
  /// Of a trace that runs, what is not written yet is lost; its file is complete JSON all the same.
  ~trace_recorder();
  trace_recorder(const trace_recorder&) = delete;
  trace_recorder& operator=(const trace_recorder&) = delete;

  struct request {
    std::string path;
    std::uint64_t bytes_max{file_bytes_max};
    bool may_exist{true};  ///< an existing file is emptied
  };
  /// Makes the file on the calling thread: for the start of a program, before its loop runs. Errors as `begin`.
  result<> begin_now(const request& wanted);
  /// Returns the path. The error `refused`: a trace runs already, the file exists, or the recorder is closed; `io`: the
  /// file cannot be made.
  awaitable<result<std::string>> begin(request wanted);

  struct facts {
    bool running{false};
    std::string path;  ///< of this trace or the last one; empty: there was none
    std::uint64_t bytes{0}, bytes_max{0};
    std::uint64_t left_out{0};  ///< events
    trace_file::state file{};
  };
  [[nodiscard]] facts look() const;
  /// Returns when everything is in the file. False: no trace runs.
  awaitable<bool> end();
  awaitable<> close();

  // --- while a trace runs --------------------------------------------------------------------------------------------
  /// `task` has waited since `wait_began` and is about to continue.
  void task_waited(task_record& task);
  /// The current task begins its work on a job. Returns its row.
  trace_lane begin_work(job_id job, std::string_view queue, std::uint32_t attempt, std::string_view content);
  /// The name of the work of the current task, in place of the beginning of the text of its job.
  void name_work(std::string_view name);
  /// How the work of the current task ends and what becomes of the job: string literals. Before `end_work`.
  void note_outcome(std::string_view outcome, std::string_view then);
  /// The work in this row has ended; nothing if it began before the trace.
  void end_work(trace_lane lane);
  /// The row of the current task.
  [[nodiscard]] trace_lane current_lane();
  /// A thread has worked on the job of the task that has the row `submitter`.
  void thread_worked(trace_lane& lane, std::string_view name, trace_lane submitter, instant begun, duration length);
  /// The same of a worker process, from `begun` until now.
  void process_worked(trace_lanes& lanes, std::string_view name, trace_lane submitter, instant begun);
  /// The store has written a batch.
  void committed(trace_lane& lane, std::string_view lane_name, std::uint64_t batch, instant begun);
  /// A job enters a state, a literal; empty: it is gone. `queue` is a kept name.
  void job_state(job_id job, std::string_view queue, std::string_view state);
  /// Something happened to a job: a literal.
  void job_mark(job_id job, std::string_view mark);
  /// A copy that lasts as long as this trace.
  [[nodiscard]] std::string_view keep_name(std::string_view name) { return file_->keep_name(name); }
  /// Rises with each trace.
  [[nodiscard]] std::uint32_t number() const noexcept { return number_; }

 private:
  /// What is done in a lane.
  struct work {
    job_id job{};
    instant begun{never};  ///< `never`: nothing is done now
    std::string_view queue, outcome, then;
    std::uint32_t attempt{0};
    std::uint8_t label_size{0};
    bool label_is_cut{false};
    std::array<char, trace_label_bytes_max> label{};
  };

  static void set_label(work& of, std::string_view text);
  void start(std::shared_ptr<trace_file> file);
  /// Frees what the trace needed on the loop's thread. Returns the call that ends its file on the other one.
  [[nodiscard]] std::function<result<std::string>()> detach();
  /// Requires: a trace runs.
  void flush();
  [[nodiscard]] std::optional<error> refusal() const;
  [[nodiscard]] std::optional<error> refusal_of_closed() const;
  void add_thread();
  std::uint32_t number_of(trace_group group, trace_lane& lane, std::string_view name);
  std::uint32_t number_of(task_record& task);
  void add_wait(task_record& task);
  void worked(trace_group group, trace_lane& lane, std::string_view name, trace_lane submitter, instant begun,
              duration length);
  void add_work(trace_group group, std::uint32_t lane, const work& done, instant begun, duration length);
  void add_unfinished();

  struct change_in_progress;

  event_loop& loop_;
  std::function<void()> on_begin_;
  std::optional<io_thread> thread_;
  std::shared_ptr<trace_file> file_;    ///< null: there was no trace
  std::optional<trace_stream> stream_;  ///< while a trace runs
  std::vector<work> lanes_;
  std::uint32_t number_{0};
  std::uint64_t left_out_{0};  ///< by the last trace that has ended
  instant began_{};
  deadline flush_due_;
  bool changing_{false};  ///< a begin or an end is in progress
  wait_point changed_;    ///< for the end of that
  bool closed_{false};
};

}  // namespace millrace::loop
