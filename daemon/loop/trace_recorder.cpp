#include "loop/trace_recorder.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "loop/loop_core.hpp"

namespace millrace::loop {

/// A begin or an end is in progress while it lives, whatever ends it.
struct trace_recorder::change_in_progress {
  explicit change_in_progress(trace_recorder& recorder) : of{recorder} { of.changing_ = true; }
  ~change_in_progress() {
    of.changing_ = false;
    of.changed_.wake_all();
  }
  change_in_progress(const change_in_progress&) = delete;
  change_in_progress& operator=(const change_in_progress&) = delete;
  trace_recorder& of;
};

trace_recorder::trace_recorder(event_loop& loop, std::function<void()> on_begin)
    : loop_{loop},
      on_begin_{std::move(on_begin)},
      flush_due_{loop, [this] { flush(); }},
      changed_{loop, "a trace to begin or end"} {}

trace_recorder::~trace_recorder() {
  if (loop_.core().trace != nullptr) static_cast<void>(detach());
}

// --- the life of a trace ---------------------------------------------------------------------------------------------

std::optional<error> trace_recorder::refusal() const {
  if (auto refused = refusal_of_closed()) return refused;
  if (loop_.core().trace != nullptr) return error{errc::refused, "a trace is running already, into " + file_->path()};
  if (changing_) return error{errc::refused, "another trace begins or ends at this moment"};
  return std::nullopt;
}

std::optional<error> trace_recorder::refusal_of_closed() const {
  if (closed_) return error{errc::refused, "the daemon is stopping"};
  return std::nullopt;
}

result<> trace_recorder::begin_now(const request& wanted) {
  if (auto refused = refusal()) return *refused;
  auto file = trace_file::open(wanted.path, wanted.bytes_max, wanted.may_exist);
  if (!file) return file.error();
  add_thread();
  start(std::move(*file));
  return {};
}

awaitable<result<std::string>> trace_recorder::begin(request wanted) {
  if (auto refused = refusal()) co_return *refused;
  const change_in_progress mark{*this};
  add_thread();
  auto opened = std::make_shared<std::optional<result<std::shared_ptr<trace_file>>>>();
  auto opening = thread_->run([opened, wanted]() -> result<std::string> {
    opened->emplace(trace_file::open(wanted.path, wanted.bytes_max, wanted.may_exist));
    return std::string{};
  });
  const auto called = co_await std::move(opening);
  if (!called) co_return called.error();
  auto& file = **opened;
  if (!file) co_return file.error();
  // Closed meanwhile: the file, in which nothing has begun, is removed.
  if (auto refused = refusal_of_closed()) co_return *refused;
  start(std::move(*file));
  co_return file_->path();
}

void trace_recorder::add_thread() {
  if (!thread_) thread_.emplace(loop_, "trace");
}

void trace_recorder::start(std::shared_ptr<trace_file> file) {
  file_ = std::move(file);
  lanes_.clear();
  ++number_;
  began_ = loop_.refresh_now();
  file_->begin_at(began_);
  stream_.emplace(loop_, *thread_, file_, flush_due_);
  loop_.core().trace = this;
  if (on_begin_) on_begin_();
  log::info("trace_began", "a trace is recorded", {{"file", file_->path()}, {"bytes_max", file_->bytes_max()}});
}

std::function<result<std::string>()> trace_recorder::detach() {
  loop_.core().trace = nullptr;
  auto last_call = stream_->finish();
  left_out_ = stream_->left_out();
  stream_.reset();
  flush_due_.clear();
  lanes_ = {};
  return last_call;
}

void trace_recorder::flush() {
  if (stream_->is_open()) {
    stream_->flush();
  } else {
    thread_->post(detach());
  }
}

awaitable<bool> trace_recorder::end() {
  if (loop_.core().trace == nullptr || changing_) co_return false;
  const change_in_progress mark{*this};
  add_unfinished();
  auto finishing = thread_->run(detach());
  [[maybe_unused]] const auto finished = co_await std::move(finishing);
  log::info("trace_ended", "the trace is complete",
            {{"file", file_->path()}, {"bytes", file_->bytes()}, {"left_out", left_out_}});
  co_return true;
}

awaitable<> trace_recorder::close() {
  closed_ = true;
  while (changing_) co_await changed_.wait();
  if (!thread_) co_return;
  auto ending = end();
  co_await std::move(ending);
  thread_->close();
}

trace_recorder::facts trace_recorder::look() const {
  if (!file_) return {};
  return {loop_.core().trace != nullptr && file_->current() == trace_file::state::open,
          file_->path(),
          file_->bytes(),
          file_->bytes_max(),
          stream_ ? stream_->left_out() : left_out_,
          file_->current()};
}

// --- rows ------------------------------------------------------------------------------------------------------------

std::uint32_t trace_recorder::number_of(trace_group group, trace_lane& lane, std::string_view name) {
  if (lane.trace == number_) return lane.number;
  lane = {number_, 0};
  if (lanes_.size() == lanes_max) return 0;
  lanes_.emplace_back();
  lane.number = static_cast<std::uint32_t>(lanes_.size());
  if (auto* const event = stream_->add(trace_event::kind::lane, loop_.now())) {
    event->group = group;
    event->lane = lane.number;
    event->name = keep_name(name);
  }
  return lane.number;
}

std::uint32_t trace_recorder::number_of(task_record& task) {
  return number_of(trace_group::tasks, task.lane, task.name);
}

trace_lane trace_recorder::current_lane() {
  auto& task = loop_.core().current();
  number_of(task);
  return task.lane;
}

// --- tasks -----------------------------------------------------------------------------------------------------------

void trace_recorder::task_waited(task_record& task) {
  // It has run since, or its wait has just begun.
  if (task.waits_for.empty() || task.wait_began == loop_.now()) return;
  add_wait(task);
}

void trace_recorder::add_wait(task_record& task) {
  const auto since = std::max(task.wait_began, began_);
  const auto lane = number_of(task);
  if (lane == 0) return void(stream_->leave_out());
  if (auto* const event = stream_->add(trace_event::kind::wait, since)) {
    event->group = trace_group::tasks;
    event->lane = lane;
    event->length = loop_.now() - since;
    event->name = task.waits_for;
  }
}

trace_lane trace_recorder::begin_work(job_id job, std::string_view queue, std::uint32_t attempt,
                                      std::string_view content) {
  const auto lane = current_lane();
  if (lane.number == 0) return lane;
  work& here = lanes_[lane.number - 1];
  here.job = job;
  here.begun = loop_.now();
  if (here.queue != queue) here.queue = keep_name(queue);
  here.outcome = here.then = {};
  here.attempt = attempt;
  set_label(here, content);
  return lane;
}

void trace_recorder::set_label(work& of, std::string_view text) {
  of.label_is_cut = text.size() > trace_label_bytes_max;
  of.label_size = static_cast<std::uint8_t>(std::min(text.size(), trace_label_bytes_max));
  std::copy_n(text.data(), of.label_size, of.label.data());
}

void trace_recorder::name_work(std::string_view name) {
  const auto lane = loop_.core().current().lane;
  if (lane.trace == number_ && lane.number != 0) set_label(lanes_[lane.number - 1], name);
}

void trace_recorder::note_outcome(std::string_view outcome, std::string_view then) {
  const auto lane = loop_.core().current().lane;
  if (lane.trace != number_ || lane.number == 0) return;
  lanes_[lane.number - 1].outcome = outcome;
  lanes_[lane.number - 1].then = then;
}

void trace_recorder::end_work(trace_lane lane) {
  if (lane.trace != number_) return;
  if (lane.number == 0) return void(stream_->leave_out());
  work& here = lanes_[lane.number - 1];
  const auto begun = std::exchange(here.begun, never);
  if (begun != never) add_work(trace_group::tasks, lane.number, here, begun, loop_.refresh_now() - begun);
}

void trace_recorder::add_work(trace_group group, std::uint32_t lane, const work& done, instant begun, duration length) {
  auto* const event = stream_->add(trace_event::kind::work, begun);
  if (event == nullptr) return;
  event->group = group;
  event->lane = lane;
  event->length = length;
  event->job = done.job;
  auto& more = stream_->add_work();
  more.label_size = done.label_size;
  more.label_is_cut = done.label_is_cut;
  std::copy_n(done.label.data(), done.label_size, more.label.data());
  if (group != trace_group::tasks) return;
  event->queue = done.queue;
  more.outcome = done.outcome;
  more.then = done.then;
  more.attempt = done.attempt;
}

void trace_recorder::add_unfinished() {
  for (auto& task : loop_.core().tasks.records()) {
    if (!task.id || !task.started) continue;
    const auto& running = loop_.core().current();
    if (&task != &running && !task.waits_for.empty()) add_wait(task);
    if (task.lane.trace != number_ || task.lane.number == 0) continue;
    work& here = lanes_[task.lane.number - 1];
    if (here.begun == never) continue;
    here.outcome = "unfinished";
    add_work(trace_group::tasks, task.lane.number, here, here.begun, loop_.now() - here.begun);
  }
}

// --- threads, processes, the store -----------------------------------------------------------------------------------

void trace_recorder::thread_worked(trace_lane& lane, std::string_view name, trace_lane submitter, instant begun,
                                   duration length) {
  worked(trace_group::threads, lane, name, submitter, begun, length);
}

void trace_recorder::process_worked(trace_lanes& lanes, std::string_view name, trace_lane submitter, instant begun) {
  const auto now = loop_.now();
  worked(trace_group::processes, lanes.free_from(begun, now), name, submitter, begun, now - begun);
}

void trace_recorder::worked(trace_group group, trace_lane& lane, std::string_view name, trace_lane submitter,
                            instant begun, duration length) {
  const auto number = number_of(group, lane, name);
  if (number == 0) return void(stream_->leave_out());
  // The thread has read the clock later than the loop.
  const auto end = loop_.refresh_now();
  begun = std::clamp(begun, began_, end);
  const bool is_known = submitter.trace == number_ && submitter.number != 0;
  add_work(group, number, is_known ? lanes_[submitter.number - 1] : work{}, begun, std::min(length, end - begun));
}

void trace_recorder::committed(trace_lane& lane, std::string_view lane_name, std::uint64_t batch, instant begun) {
  const auto number = number_of(trace_group::store, lane, lane_name);
  if (number == 0) return void(stream_->leave_out());
  begun = std::max(begun, began_);
  if (auto* const event = stream_->add(trace_event::kind::span, begun)) {
    event->group = trace_group::store;
    event->lane = number;
    event->length = std::max(loop_.now() - begun, duration::zero());
    event->name = "commit";
    event->batch = batch;
  }
}

// --- jobs ------------------------------------------------------------------------------------------------------------

void trace_recorder::job_state(job_id job, std::string_view queue, std::string_view state) {
  if (auto* const event = stream_->add(trace_event::kind::state, loop_.now())) {
    event->job = job;
    event->queue = queue;
    event->name = state;
  }
}

void trace_recorder::job_mark(job_id job, std::string_view mark) {
  if (auto* const event = stream_->add(trace_event::kind::mark, loop_.now())) {
    event->job = job;
    event->name = mark;
  }
}

}  // namespace millrace::loop
