#include "offload/worker_streams.hpp"

#include <algorithm>
#include <utility>

namespace millrace::offload {

namespace {

constexpr std::size_t read_bytes = std::size_t{64} * 1024;

/// What is read of a process that has ended. Its pipe holds no more, unless something outside its group writes on.
constexpr std::size_t rest_bytes_max = std::size_t{1024} * 1024;

}  // namespace

worker_streams::worker_streams(loop::event_loop& loop, loop::child_process& child, std::size_t line_bytes_max,
                               events callbacks)
    : loop_{loop},
      child_{child},
      events_{std::move(callbacks)},
      tasks_{loop},
      reader_{line_bytes_max},
      buffer_(read_bytes),
      has_outgoing_{loop, "jobs for a worker"} {}

worker_streams::~worker_streams() = default;

void worker_streams::start(const std::string& name) {
  tasks_.spawn(name + " output", read_output());
  tasks_.spawn(name + " errors", read_errors());
  tasks_.spawn(name + " input", write_lines());
}

loop::awaitable<> worker_streams::finish() {
  tasks_.cancel();
  auto joined = tasks_.join();
  co_await std::move(joined);
  read_rest();
}

// --- to the process --------------------------------------------------------------------------------------------------

void worker_streams::write_job(const wire::worker_job& job) {
  wire::append_worker_job(outgoing_, job);
  has_outgoing_.wake_one();
}

void worker_streams::write_cancellation(job_id job) {
  wire::append_worker_cancellation(outgoing_, job);
  has_outgoing_.wake_one();
}

void worker_streams::write_line(std::string_view line) {
  outgoing_ += line;
  has_outgoing_.wake_one();
}

loop::awaitable<> worker_streams::write_lines() {
  while (true) {
    while (outgoing_.empty()) co_await has_outgoing_.wait();
    writing_.swap(outgoing_);
    auto write = child_.write(writing_);
    const auto written = co_await std::move(write);
    writing_.clear();
    if (written) continue;
    // It may have ended, which says more.
    events_.on_closed();
    co_return;
  }
}

// --- from the process ------------------------------------------------------------------------------------------------

loop::awaitable<> worker_streams::read_output() {
  while (true) {
    auto reading = child_.read(loop::child_stream::output, buffer_);
    const std::size_t bytes = co_await std::move(reading);
    if (bytes == 0) break;
    if (!apply({buffer_.data(), bytes})) co_return;
  }
  events_.on_closed();
}

loop::awaitable<> worker_streams::read_errors() {
  std::array<char, 4096> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): `read` fills it
  while (true) {
    auto reading = child_.read(loop::child_stream::error, buffer);
    const std::size_t bytes = co_await std::move(reading);
    if (bytes == 0) co_return;
    errors_.add({buffer.data(), bytes});
  }
}

void worker_streams::read_rest() {
  std::size_t left = rest_bytes_max;
  while (left > 0) {
    const std::size_t bytes = child_.read_now(loop::child_stream::output, buffer_);
    if (bytes == 0 || !apply({buffer_.data(), bytes})) break;
    left -= std::min(left, bytes);
  }
  while (left > 0) {
    const std::size_t bytes = child_.read_now(loop::child_stream::error, buffer_);
    if (bytes == 0) break;
    errors_.add({buffer_.data(), bytes});
    left -= std::min(left, bytes);
  }
}

bool worker_streams::apply(std::string_view output) {
  while (!output.empty() && !is_over_) {
    auto message = reader_.next(output);
    if (!message) break;
    if (message->type == wire::worker_message::kind::malformed) {
      is_over_ = true;
      events_.on_malformed(std::move(*message));
    } else {
      events_.on_message(std::move(*message));
    }
  }
  return !is_over_;
}

}  // namespace millrace::offload
