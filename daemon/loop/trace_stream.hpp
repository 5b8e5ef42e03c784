#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/deadline.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/io_thread.hpp>

#include "loop/trace_event.hpp"
#include "loop/trace_file.hpp"

namespace millrace::loop {

/// The events of one trace on their way from the loop to the thread that writes its file.
///
/// Events are collected in chunks, which the thread formats and writes, at least every `flush_interval`. While
/// `chunks_max` chunks wait for it, events are left out and counted, so that the loop never waits.
///
/// Owned by the recorder; loop thread only. Ends with `finish`.
class trace_stream {
 public:
  static constexpr std::size_t chunk_events = 2048;
  static constexpr std::size_t chunks_max = 64;
  static constexpr duration flush_interval = seconds{1};

  /// `flush_due` calls `flush`, or ends the trace if the file is no longer open.
  trace_stream(event_loop& loop, io_thread& thread, std::shared_ptr<trace_file> file, deadline& flush_due);
  trace_stream(const trace_stream&) = delete;
  trace_stream& operator=(const trace_stream&) = delete;

  /// Null: the event is left out. Valid until the next event.
  trace_event* add(trace_event::kind type, instant at) {
    if (chunk_.events.size() == chunk_events && !hand_over_full()) return nullptr;
    if (chunk_.events.empty()) expect_flush();
    auto& event = chunk_.events.emplace_back();
    event.type = type;
    event.at = at;
    return &event;
  }
  /// For the event of that kind that was added last.
  trace_work& add_work() { return chunk_.works.emplace_back(); }

  void leave_out() noexcept { ++left_out_; }
  [[nodiscard]] std::uint64_t left_out() const noexcept { return left_out_; }
  /// False: the file is full or has failed.
  [[nodiscard]] bool is_open() const noexcept { return file_->current() == trace_file::state::open; }

  /// Hands the chunk to the thread, if it can take one more.
  void flush();
  /// Hands the rest to the thread. Returns the call that ends the file there. No event may follow.
  [[nodiscard]] std::function<result<std::string>()> finish();

 private:
  struct exchange;  ///< what the loop and the thread share

  /// False: the event at hand is left out.
  bool hand_over_full();
  void hand_over();
  void expect_flush();

  event_loop& loop_;
  io_thread& thread_;
  std::shared_ptr<trace_file> file_;
  deadline& flush_due_;
  std::shared_ptr<exchange> exchange_;
  trace_chunk chunk_;
  std::uint64_t left_out_{0};
};

}  // namespace millrace::loop
