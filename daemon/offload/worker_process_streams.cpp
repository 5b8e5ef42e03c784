// What a worker process writes and reads.
#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "offload/worker_process.hpp"

namespace millrace::offload {

using wire::worker_message;

namespace {

/// What is read of a process that has ended. Its pipe holds no more, unless something outside its group writes on.
constexpr std::size_t rest_bytes_max = std::size_t{1024} * 1024;

}  // namespace

loop::awaitable<> worker_process::read_output() {
  while (true) {
    auto reading = child_->read(loop::child_stream::output, buffer_);
    const std::size_t bytes = co_await std::move(reading);
    if (bytes == 0) break;
    if (!apply({buffer_.data(), bytes})) co_return;
  }
  // Most often the process ends now, and says with its status why.
  await_end(phase::silent);
}

loop::awaitable<> worker_process::read_errors() {
  std::array<char, 4096> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): `read` fills it
  while (true) {
    auto reading = child_->read(loop::child_stream::error, buffer);
    const std::size_t bytes = co_await std::move(reading);
    if (bytes == 0) co_return;
    errors_.add({buffer.data(), bytes});
  }
}

loop::awaitable<> worker_process::write_jobs() {
  while (true) {
    while (outgoing_.empty()) co_await has_outgoing_.wait();
    writing_.swap(outgoing_);
    auto write = child_->write(writing_);
    const auto written = co_await std::move(write);
    writing_.clear();
    if (written) continue;
    // It may have ended, which says more.
    await_end(phase::silent);
    co_return;
  }
}

void worker_process::read_rest() {
  std::size_t left = rest_bytes_max;
  while (left > 0) {
    const std::size_t bytes = child_->read_now(loop::child_stream::output, buffer_);
    if (bytes == 0 || !apply({buffer_.data(), bytes})) break;
    left -= std::min(left, bytes);
  }
  while (left > 0) {
    const std::size_t bytes = child_->read_now(loop::child_stream::error, buffer_);
    if (bytes == 0) break;
    errors_.add({buffer_.data(), bytes});
    left -= std::min(left, bytes);
  }
}

bool worker_process::apply(std::string_view output) {
  while (!output.empty() && !broken_) {
    auto message = reader_.next(output);
    if (!message) break;
    apply(std::move(*message));
  }
  return !broken_;
}

void worker_process::apply(worker_message&& message) {
  // Of several jobs nobody can tell which one a line is about that names none.
  const std::size_t only = held_.size() == 1 ? 0 : held_.size();
  const std::size_t place = held_.place_of(message.id);
  if (message.type == worker_message::kind::malformed) {
    return fail_protocol(message.text, message.id ? place : only);
  }
  if (place == held_.size()) {
    // A second answer for a job that is over says nothing about the next one.
    const std::size_t culprit = message.id == last_answered_ ? held_.size() : only;
    return fail_protocol("it answered for job " + std::to_string(message.id.value()) + ", which it does not have",
                         culprit);
  }
  if (message.type != worker_message::kind::progress) return answer(place, answer_of(std::move(message)));
  if (held_[place].request != nullptr) held_[place].request->note_progress(message.text);
}

void worker_process::fail_protocol(const std::string& problem, std::size_t place) {
  broken_ = true;
  end(worker_end::protocol, problem);
  if (place == held_.size()) return;
  worker_request* const request = held_[place].request;
  remove(place);
  if (request != nullptr)
    request->finish({.type = worker_answer::kind::failed, .text = label() + " broke the protocol: " + problem});
}

}  // namespace millrace::offload
