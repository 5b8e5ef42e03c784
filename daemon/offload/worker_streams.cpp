#include "offload/worker_streams.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "offload/worker_request.hpp"
#include "wire/reused_text.hpp"

namespace millrace::offload {

namespace {

using wire::worker_message;

constexpr std::size_t read_bytes = std::size_t{64} * 1024;

/// What is read of a process that has ended. Its pipe holds no more, unless something outside its group writes on.
constexpr std::size_t rest_bytes_max = std::size_t{1024} * 1024;

/// A line, and the message that a thread makes of it.
struct parsed_line {
  std::string line;
  std::optional<worker_message> message{};  ///< none: no thread has parsed it
};

/// Parses a line, and frees it, on the thread where it runs.
class parsing final : public computation {
 public:
  explicit parsing(std::shared_ptr<parsed_line> parsed) : parsed_{std::move(parsed)} {}
  progress step() override {
    parsed_->message = wire::parse_worker_message(parsed_->line);
    wire::clear_reused(parsed_->line);
    return progress::done;
  }
  result<std::string> take_result() override { return std::string{}; }

 private:
  std::shared_ptr<parsed_line> parsed_;
};

}  // namespace

worker_streams::worker_streams(loop::event_loop& loop, loop::child_process& child, thread_pool* threads,
                               std::size_t line_bytes_max, events callbacks)
    : child_{child},
      threads_{threads},
      events_{std::move(callbacks)},
      loop_{loop},
      tasks_{loop},
      reader_{line_bytes_max, on_loop_bytes_max},
      buffer_(read_bytes),
      has_outgoing_{loop, "jobs for a worker"} {}

worker_streams::~worker_streams() = default;

void worker_streams::start(const std::string& name) {
  output_task_ = tasks_.spawn(name + " output", read_output());
  errors_task_ = tasks_.spawn(name + " errors", read_errors());
  input_task_ = tasks_.spawn(name + " input", write_lines());
}

loop::awaitable<> worker_streams::finish() {
  is_ended_ = true;
  loop_.cancel(errors_task_);
  loop_.cancel(input_task_);
  // The line that a thread parses counts. The task ends then.
  if (!is_parsing_) loop_.cancel(output_task_);
  auto joined = tasks_.join();
  co_await std::move(joined);
  auto reading = read_rest();
  co_await std::move(reading);
}

std::size_t worker_streams::capacity() const noexcept {
  std::size_t bytes = reader_.capacity() + writing_.capacity() + spare_.capacity();
  for (const std::string& chunk : outgoing_) bytes += chunk.capacity();
  return bytes;
}

// --- to the process --------------------------------------------------------------------------------------------------

void worker_streams::write_job(const wire::worker_job& job) {
  wire::append_worker_job(last_chunk(), job);
  has_outgoing_.wake_one();
}

void worker_streams::write_cancellation(job_id job) {
  wire::append_worker_cancellation(last_chunk(), job);
  has_outgoing_.wake_one();
}

void worker_streams::write_line(std::string&& line) {
  outgoing_.push_back(std::move(line));
  has_outgoing_.wake_one();
}

std::string& worker_streams::last_chunk() {
  if (outgoing_.empty() || outgoing_.back().size() >= wire::reused_bytes_max) {
    outgoing_.push_back(std::exchange(spare_, {}));
  }
  return outgoing_.back();
}

loop::awaitable<> worker_streams::write_lines() {
  while (true) {
    while (outgoing_.empty()) co_await has_outgoing_.wait();
    writing_ = std::move(outgoing_.front());
    outgoing_.pop_front();
    auto write = child_.write(writing_);
    const auto written = co_await std::move(write);
    wire::clear_reused(writing_);
    spare_ = std::exchange(writing_, {});
    if (written) continue;
    // It may have ended, which says more.
    events_.on_closed();
    co_return;
  }
}

// --- from the process ------------------------------------------------------------------------------------------------

loop::awaitable<> worker_streams::read_output() {
  while (!is_ended_) {
    auto reading = child_.read(loop::child_stream::output, buffer_);
    const std::size_t bytes = co_await std::move(reading);
    if (bytes == 0) {
      events_.on_closed();
      co_return;
    }
    unread_ = {buffer_.data(), bytes};
    if (!apply_unread()) {
      auto applying = apply_long_lines();
      co_await std::move(applying);
    }
    if (is_over_) co_return;
  }
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

loop::awaitable<> worker_streams::read_rest() {
  std::size_t left = rest_bytes_max;
  while (true) {
    // The task that read them may have been cancelled before it could apply a long line.
    if (!apply_unread()) {
      auto applying = apply_long_lines();
      co_await std::move(applying);
    }
    if (left == 0 || is_over_) break;
    const std::size_t bytes = child_.read_now(loop::child_stream::output, buffer_);
    if (bytes == 0) break;
    unread_ = {buffer_.data(), bytes};
    left -= std::min(left, bytes);
  }
  while (left > 0) {
    const std::size_t bytes = child_.read_now(loop::child_stream::error, buffer_);
    if (bytes == 0) break;
    errors_.add({buffer_.data(), bytes});
    left -= std::min(left, bytes);
  }
}

bool worker_streams::apply_unread() {
  while (!long_line_ && !unread_.empty() && !is_over_) {
    auto message = reader_.next(unread_);
    if (!message) break;
    if (message->type == worker_message::kind::unparsed) {
      long_line_ = std::move(message->text);
    } else {
      apply(std::move(*message));
    }
  }
  return !long_line_;
}

loop::awaitable<> worker_streams::apply_long_lines() {
  do {
    auto message = parse_long_line();
    apply(co_await std::move(message));
  } while (!apply_unread());
}

void worker_streams::apply(worker_message&& message) {
  if (is_over_) return;
  if (message.type != worker_message::kind::malformed) return events_.on_message(std::move(message));
  is_over_ = true;
  events_.on_malformed(std::move(message));
}

loop::awaitable<worker_message> worker_streams::parse_long_line() {
  const auto parsed = std::make_shared<parsed_line>(parsed_line{.line = std::move(*long_line_)});
  long_line_.reset();
  if (threads_ != nullptr) {
    is_parsing_ = true;
    auto running = threads_->run(std::make_unique<parsing>(parsed));
    // Without an answer, because the pool is closed for instance, the loop parses it.
    static_cast<void>(co_await std::move(running));
    is_parsing_ = false;
  }
  co_return parsed->message ? std::move(*parsed->message) : wire::parse_worker_message(parsed->line);
}

}  // namespace millrace::offload
