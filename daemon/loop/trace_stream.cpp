#include "loop/trace_stream.hpp"

#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

namespace millrace::loop {

struct trace_stream::exchange {
  std::atomic<std::size_t> waiting{0};  ///< chunks
  std::mutex lock;
  std::vector<trace_chunk> spare;

  trace_chunk take() {
    const std::lock_guard hold{lock};
    if (spare.empty()) return {};
    auto chunk = std::move(spare.back());
    spare.pop_back();
    return chunk;
  }
  void give(trace_chunk chunk) {
    chunk.clear();
    const std::lock_guard hold{lock};
    spare.push_back(std::move(chunk));
    waiting.fetch_sub(1, std::memory_order_relaxed);
  }
};

trace_stream::trace_stream(event_loop& loop, io_thread& thread, std::shared_ptr<trace_file> file, deadline& flush_due)
    : loop_{loop},
      thread_{thread},
      file_{std::move(file)},
      flush_due_{flush_due},
      exchange_{std::make_shared<exchange>()} {
  chunk_.events.reserve(chunk_events);
}

bool trace_stream::hand_over_full() {
  if (!is_open()) {
    flush_due_.set(loop_.now());  // ends the trace, but not here: callers use its lanes
    return false;
  }
  if (exchange_->waiting.load(std::memory_order_relaxed) < chunks_max) {
    hand_over();
    return true;
  }
  ++left_out_;
  return false;
}

void trace_stream::expect_flush() { flush_due_.set(after(loop_.now(), flush_interval)); }

void trace_stream::flush() {
  const auto waiting = exchange_->waiting.load(std::memory_order_relaxed);
  if (chunk_.events.empty() && waiting == 0) return;
  if (!chunk_.events.empty() && waiting < chunks_max) hand_over();
  // Also without further events, to see that the file is full or has failed.
  expect_flush();
}

void trace_stream::hand_over() {
  exchange_->waiting.fetch_add(1, std::memory_order_relaxed);
  auto chunk = std::make_shared<trace_chunk>(std::exchange(chunk_, exchange_->take()));
  chunk_.events.reserve(chunk_events);
  thread_.post([file = file_, shared = exchange_, chunk]() -> result<std::string> {
    file->append(*chunk);
    shared->give(std::move(*chunk));
    return std::string{};
  });
}

std::function<result<std::string>()> trace_stream::finish() {
  if (!chunk_.events.empty()) hand_over();
  return [file = file_, at = loop_.now(), left_out = left_out_]() -> result<std::string> {
    file->finish(at, left_out);
    return std::string{};
  };
}

}  // namespace millrace::loop
