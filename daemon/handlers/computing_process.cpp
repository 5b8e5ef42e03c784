#include "handlers/computing_process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <exception>
#include <stdexcept>
#include <thread>
#include <utility>

#include <millrace/base/quantity.hpp>
#include <millrace/loop/deadline.hpp>
#include <millrace/loop/io_thread.hpp>

#include "base/json_string.hpp"
#include "handlers/definition.hpp"
#include "handlers/write_all.hpp"
#include "loop/child_launcher.hpp"
#include "loop/task_scope.hpp"
#include "loop/thrown.hpp"
#include "offload/own_answer.hpp"
#include "offload/worker_host.hpp"
#include "wire/reused_text.hpp"

namespace millrace::handlers {

namespace {

/// Jobs in one process at one time. Many are given to it only while they are short: see `work_in_hand`.
constexpr std::uint32_t in_flight_max = 64;
/// The work that a process has at one time: many times the way of a job to a process and back (about 0.1 ms), so that
/// it need not wait for the next job; little enough that no other process is idle for long meanwhile.
constexpr duration work_in_hand = milliseconds{2};
/// A step takes a few milliseconds. A process that goes on with a cancelled computation for this long is in a step that
/// does not return.
constexpr duration kill_after = seconds{5};
/// Jobs that wait for a process must not be late because of one that nobody waits for.
constexpr duration kill_alone_after = milliseconds{200};
constexpr std::size_t read_bytes = std::size_t{64} * 1024;
/// A line has a little more than its result, which is in base64 if it is no text, or in escapes of six bytes.
constexpr std::size_t line_bytes_max = 6 * computing_jobs::result_bytes_max + 1'024;

wire::worker_message message_of(answer&& said) {
  using kind = wire::worker_message::kind;
  wire::worker_message message;
  if (said.has_value()) {
    message.type = kind::done;
    message.result = std::move(*said);
    if (!message.result || message.result->size() <= computing_jobs::result_bytes_max) return message;
    said = invalid("the result has " + std::to_string(message.result->size()) +
                   " bytes, and that of a process at most " + write_size(computing_jobs::result_bytes_max));
    message.result.reset();
  }
  message.type = kind::failed;
  message.text = said.error().text;
  if (const auto wait = said.later_after()) {
    message.retry = wire::worker_retry::later;
    message.wait = std::max(*wait, duration::zero());
  } else if (said.is_interrupted()) {
    message.failure = wire::worker_failure::interrupted;
  } else if (said.is_over_limit()) {
    message.failure = wire::worker_failure::over_limit;
  } else if (said.error().code == errc::rejected) {
    message.retry = wire::worker_retry::never;
  }
  return message;
}

/// For use in a `catch (...)` block.
answer failed_by_exception() { return invalid(loop::text_of(std::current_exception())); }

using descriptor = boost::asio::posix::basic_stream_descriptor<loop::executor>;

/// Works until the input ends, or the daemon writes something else than jobs or does not read any more.
loop::awaitable<> work(computing_jobs& jobs, loop::event_loop& loop, descriptor& input, int output) {
  std::vector<char> buffer(read_bytes);
  for (;;) {
    if (jobs.idle()) co_await input.async_wait(descriptor::wait_read, loop::use_awaitable);
    boost::system::error_code failure;
    const std::size_t bytes = input.read_some(boost::asio::buffer(buffer), failure);
    const bool nothing_there = failure == boost::asio::error::would_block || failure == boost::asio::error::try_again;
    if (failure && !nothing_there) co_return;
    if (bytes > 0 && !jobs.receive({buffer.data(), bytes})) throw std::runtime_error{"a line is no job"};
    jobs.step();
    if (!jobs.output().empty()) {
      // Blocks while the daemon does not read.
      if (!write_all(output, jobs.output())) co_return;
      wire::clear_reused(jobs.output());
    }
    // Handlers may have tasks on the loop.
    if (!jobs.idle()) co_await loop::yield(loop);
  }
}

loop::awaitable<> work_and_close(loop::event_loop& loop, const registry& kinds, int output, int& status) {
  loop::io_thread standard_output{loop, "standard output"};
  loop::child_launcher children{loop};
  offload::worker_host workers{loop, children, {}};
  const handler_context context{loop, standard_output, STDOUT_FILENO, &children, &workers};
  {
    computing_jobs jobs{loop, kinds, context};
    descriptor input{loop.get_executor(), STDIN_FILENO};
    input.non_blocking(true);
    auto working = work(jobs, loop, input, output);
    co_await std::move(working);
  }
  standard_output.close();
  status = 0;
}

}  // namespace

offload::worker_settings computing_process_settings(const offload::pool_options& options) {
  offload::worker_settings settings;
  settings.name = "processes";
  settings.description = "the computing process";
  settings.command.arguments = {"/proc/self/exe", std::string{computing_process_argument}};
  settings.command.environment = loop::inherited_environment();
  settings.workers = options.processes != 0 ? options.processes : std::max(1U, std::thread::hardware_concurrency());
  settings.in_flight = in_flight_max;
  settings.work_in_hand = work_in_hand;
  settings.output_max = line_bytes_max;
  settings.kill_after = kill_after;
  settings.kill_alone_after = kill_alone_after;
  settings.cancels = true;
  settings.memory_max = options.process_memory_max;
  settings.memory_setting = "process_memory_max";
  settings.cpu_max = options.process_cpu_max;
  settings.cpu_setting = "process_cpu_max";
  return settings;
}

std::string handler_text(const kind& handler_kind, const void* owner) {
  std::string text;
  append_json_string(text, write_definition(handler_kind, owner));
  return text;
}

computing_jobs::computing_jobs(loop::event_loop& loop, const registry& kinds, const handler_context& context)
    : loop_{loop}, kinds_{kinds}, context_{context} {}

bool computing_jobs::receive(std::string_view bytes) {
  for (;;) {
    const auto end = bytes.find('\n');
    if (end == std::string_view::npos) break;
    const auto line = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    bool applied = false;
    if (begun_line_.empty()) {
      applied = apply(line);
    } else {
      begun_line_ += line;
      applied = apply(begun_line_);
      wire::clear_reused(begun_line_);
    }
    if (!applied) return false;
  }
  begun_line_ += bytes;
  return true;
}

bool computing_jobs::apply(std::string_view line) {
  auto order = wire::parse_worker_order(line);
  if (order.type == wire::worker_order::kind::malformed) return false;
  if (order.type == wire::worker_order::kind::job) {
    begin(std::move(order));
    return true;
  }
  const auto found = std::ranges::find(running_, order.id, [](const running_job& job) { return job.work.id; });
  // Its answer may be on the way.
  if (found != running_.end()) found->cancelled = true;
  return true;
}

void computing_jobs::begin(wire::worker_order&& order) {
  const auto queue = queues_.insert(std::move(order.queue)).first;
  running_job started{{order.id, body{order.text}, *queue, order.attempt}, nullptr, nullptr};
  const auto began = loop_.refresh_now();
  try {
    auto found = handler_of(order.handler);
    if (!found) return reply(order.id, found.error(), duration::zero());
    started.handler = std::move(*found);
    auto begun = started.handler->begin(started.work);
    if (!begun) return reply(order.id, begun.error(), loop_.refresh_now() - began);
    started.computation = std::move(*begun);
  } catch (...) {
    return reply(order.id, failed_by_exception(), loop_.refresh_now() - began);
  }
  if (started.computation == nullptr)
    return reply(order.id, invalid("the handler began no computation"), duration::zero());
  started.spent = loop_.now() - began;
  running_.push_back(std::move(started));
}

result<std::shared_ptr<computing_handler>> computing_jobs::handler_of(const std::string& definition) {
  if (const auto known = handlers_.find(definition); known != handlers_.end()) return known->second;
  auto made = read_definition(definition, kinds_, context_);
  if (!made) return made.error();
  auto* const computing = std::get_if<std::unique_ptr<computing_handler>>(&*made);
  if (computing == nullptr) return invalid("this handler does not compute");
  if (handlers_.size() >= handlers_max)
    std::erase_if(handlers_, [](const auto& known) { return known.second.use_count() == 1; });
  return handlers_.emplace(definition, std::move(*computing)).first->second;
}

void computing_jobs::step() {
  auto kept = running_.begin();
  for (auto job = running_.begin(); job != running_.end(); ++job) {
    if (advance(*job)) continue;
    if (kept != job) *kept = std::move(*job);
    ++kept;
  }
  running_.erase(kept, running_.end());
}

bool computing_jobs::advance(running_job& job) {
  if (job.cancelled) {
    reply(job.work.id, offload::cancelled_error(), job.spent);
    return true;
  }
  const auto began = loop_.refresh_now();
  answer said;
  try {
    const bool more = job.computation->step() == offload::progress::more;
    job.spent += loop_.refresh_now() - began;
    if (more) return false;
    said = job.handler->conclude(job.work, offload::own_answer(*job.computation));
  } catch (...) {
    said = failed_by_exception();
  }
  reply(job.work.id, std::move(said), job.spent);
  return true;
}

void computing_jobs::reply(job_id job, answer&& said, duration spent) {
  auto message = message_of(std::move(said));
  message.id = job;
  message.work = spent;
  wire::append_worker_answer(output_, message);
}

int run_computing_process(const registry& kinds) {
  // Else it is shown as `exe`.
  ::prctl(PR_SET_NAME, "millrace-work", 0, 0, 0);
  const int output = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (output < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return 1;
  int status = 1;
  loop::event_loop loop;
  loop::task_scope tasks{loop};
  tasks.spawn("computing", work_and_close(loop, kinds, output, status));
  loop.run();
  return status;
}

}  // namespace millrace::handlers
